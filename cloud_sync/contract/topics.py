"""The topics, as the rest of AquaControl knows them, and how each is kept.

- **A key is what must stay in order**: the sensor, the tank or the gateway, as plain UTF-8. The start of a window is in
  the value, so that one sensor's windows stay in one partition.
- **Twelve partitions each**: enough for a farm that grows, and as many everywhere, so that what has the same key meets
  in the same partition of every topic. To add some later sends keys elsewhere.
- **The broker's clock decides what is old** (LogAppendTime): a gateway that was cut off for weeks brings old readings,
  which by their own time would be deleted at once, and a clock ahead by an hour would have them refused. When something
  was measured stands in its value, and nothing else should be asked for it.
- **Time alone deletes, never size**: a gigabyte a partition is reached by a big farm before its week is over.
- **Nothing is compacted**: the key names a sensor, and compaction would leave one record of it.
- Batches stay compressed as their producer made them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

SENSOR_READINGS: Final = "sensor-readings"
SENSOR_ALERTS: Final = "sensor-alerts"
SENSOR_GAPS: Final = "sensor-gaps"
SENSOR_ROLLUPS: Final = "sensor-rollups"
GATEWAY_HEALTH: Final = "gateway-health"
SENSOR_ANOMALIES: Final = "sensor-anomalies"
SENSOR_AGGREGATIONS: Final = "sensor-aggregations"
TANK_METRICS: Final = "tank-metrics"
DATA_QUALITY_METRICS: Final = "data-quality-metrics"
SENSOR_READINGS_DLQ: Final = "sensor-readings-dlq"

_LARGEST_BATCH = 1_048_588  # as Kafka has it: a mebibyte, and the head of a batch


@dataclass(frozen=True, slots=True)
class Topic:
    """`key` says what its records are keyed by; they are deleted `kept` after they arrived."""

    name: str
    key: str
    kept: timedelta
    partitions: int = 12
    largest_batch: int = _LARGEST_BATCH

    def config(self, replication: int) -> Mapping[str, str]:
        """What the broker is told, where there are so many replicas: one of them may be away while it is written to."""
        return {
            "cleanup.policy": "delete",
            "compression.type": "producer",
            "max.message.bytes": str(self.largest_batch),
            "message.timestamp.type": "LogAppendTime",
            "min.insync.replicas": str(max(1, replication - 1)),
            "retention.bytes": "-1",
            "retention.ms": str(self.kept // timedelta(milliseconds=1)),
            "unclean.leader.election.enable": "false",
        }


TOPICS: Final = (
    Topic(SENSOR_READINGS, "sensor_id", timedelta(days=30)),
    Topic(SENSOR_ROLLUPS, "sensor_id", timedelta(days=30)),
    Topic(SENSOR_ALERTS, "sensor_id", timedelta(days=90)),
    Topic(SENSOR_GAPS, "gateway", timedelta(days=90)),
    Topic(GATEWAY_HEALTH, "gateway", timedelta(days=30)),
    Topic(SENSOR_ANOMALIES, "sensor_id", timedelta(days=90)),
    Topic(SENSOR_AGGREGATIONS, "sensor_id", timedelta(days=30)),
    Topic(TANK_METRICS, "tank_id", timedelta(days=30)),
    Topic(DATA_QUALITY_METRICS, "sensor_id", timedelta(days=30)),
    # As long as somebody may need to find out; a poison record of the largest size fits in with its story.
    Topic(SENSOR_READINGS_DLQ, "as it came", timedelta(days=90), largest_batch=2 * _LARGEST_BATCH),
)
