"""What Prometheus is told."""

from enum import StrEnum
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Enum, Gauge, Histogram, ProcessCollector


class State(StrEnum):
    """What the ingestion is doing."""

    STARTING = "starting"
    READING = "reading"
    DATABASE_AWAY = "waiting for the database"
    REGISTRY_AWAY = "waiting for the registry"
    KAFKA_AWAY = "waiting for Kafka"
    HELD = "held by a topic"
    STOPPING = "stopping"


_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """All of one process."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self.rows = Counter(
            "aqua_ingest_rows", "Records written, also such that were there", ["topic"], registry=registry
        )
        self.duplicates = Counter(
            "aqua_ingest_duplicates", "Records that the database had already", ["topic"], registry=registry
        )
        self.batches = Counter("aqua_ingest_batches", "Transactions committed", ["topic"], registry=registry)
        self.dead_letters = Counter(
            "aqua_ingest_dead_letters", "Records set aside", ["topic", "reason"], registry=registry
        )
        self.faults = Counter(
            "aqua_ingest_faults", "Times that something was away or refused everything", ["of"], registry=registry
        )
        self.lag = Gauge(
            "aqua_ingest_lag_records", "Records of a partition that are not written", ["topic", "partition"],
            registry=registry,
        )  # fmt: skip
        self.newest = Gauge(
            "aqua_ingest_newest_time_seconds", "When the newest row that was written was measured", ["topic"],
            registry=registry,
        )  # fmt: skip
        self.transaction = Histogram(
            "aqua_ingest_transaction_seconds", "From a batch to its commit", buckets=_SECONDS, registry=registry
        )
        self.refreshed = Counter(
            "aqua_ingest_late_days", "Days whose aggregates were refreshed for late readings", registry=registry
        )
        self.state = Enum(
            "aqua_ingest_state", "What it is doing", states=[state.value for state in State], registry=registry
        )
