"""One thing to deliver, and how it is told from every other.

A named tuple, since a frozen dataclass takes a third of the time that a record's making may take.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from cloud_sync.contract.reading_body import ReadingBody

Identity = tuple[str, str, str | None, int]


class Record(NamedTuple):
    """One thing to deliver, in the shape of the contract.

    `seq` is what the sink names it by in a rejection; `key` keeps the order where a sink has partitions (sensor id or
    gateway id); `time_us` is the event's own time in UTC microseconds; `body` holds what JSON knows, finite numbers
    only, is written by `jsontext.json_bytes`, and must not be changed.
    """

    seq: int
    topic: str
    key: str
    time_us: int
    body: Mapping[str, Any]


def identity(body: Mapping[str, Any]) -> Identity:
    """Sensor (of a gap: gateway), time, epoch and sequence number: two bodies of one topic that agree in them are the
    same thing.

    The cloud's identity of a reading is (sensor_id, time); epoch and sequence number keep two readings apart that a
    step of the clock gave the same time. Alerts have no epoch: their numbers never begin anew.
    """
    return body.get("sensor_id") or body["metadata"]["gateway"], body["time"], *numbered(body)


def numbered(body: Mapping[str, Any]) -> tuple[str | None, int]:
    """Epoch (None for what has none) and sequence number."""
    if type(body) is ReadingBody:
        return body.stored.epoch, body.stored.seq
    metadata = body["metadata"]
    return metadata.get("epoch"), metadata["sequence"]
