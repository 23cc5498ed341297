"""One thing to deliver, and how it is told from every other.

A named tuple, since a frozen dataclass takes a third of the time that a record's making may take.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

Identity = tuple[str | None, str, int]


class Record(NamedTuple):
    """One thing to deliver, in the shape of the contract.

    `key` keeps the order where a sink has partitions (sensor id or gateway id); `time_us` is the event's own time
    in UTC microseconds; `body` is JSON-ready, holds finite numbers only, and must not be changed.
    """

    seq: int
    topic: str
    key: str
    time_us: int
    body: Mapping[str, Any]


def identity(body: Mapping[str, Any]) -> Identity:
    """Sensor, time and sequence number of a body: two bodies of one topic that agree in them are the same thing.

    The cloud's identity of a reading is (sensor_id, time); the sequence number, which starts again with a new
    store, keeps two readings apart that a step of the clock gave the same time.
    """
    return body.get("sensor_id"), body["time"], body["metadata"]["sequence"]
