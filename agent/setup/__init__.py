"""`aqua-gateway init`: what is asked (`interview`, `lines`), how (`questions`), and what is written of it (`draft`)."""
