"""`aqua-backend ingest` between a real Kafka, a real registry and real databases."""
