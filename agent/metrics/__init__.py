"""How the gateway itself does, in numbers: gathered when somebody asks, for `status`, `metrics` and Prometheus."""
