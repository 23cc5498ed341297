"""Kafka's topics as the contract wants them: `aqua-backend topics …`."""
