"""A week without the cloud, and the day after: how fast a backlog drains, and what else it costs."""
