"""What is on its way from Kafka to the database."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from agent.domain.errors import AquaError
from cloud_sync.contract import lines
from cloud_sync.contract.rows import Body
from cloud_sync.contract.timestamps import iso_utc

Partition = tuple[str, int]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a record cannot be used: `reason` in a word or two to be counted by, `error` the whole story."""

    reason: str
    error: str


class Message(NamedTuple):
    """A record as Kafka has it. `time_ms`: the broker's, since 1970-01-01 UTC; None if it gave none."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    time_ms: int | None

    @property
    def size(self) -> int:
        """Bytes of key and value."""
        return len(self.key or b"") + len(self.value or b"")

    @property
    def time(self) -> str | None:
        return None if self.time_ms is None else iso_utc(self.time_ms * 1000)


class Record(NamedTuple):
    """A message and what it says, as a body or, of a topic that is copied, as a line; or why it says nothing."""

    message: Message
    content: Body | str | None
    fault: Fault | None = None

    @property
    def body(self) -> Body:
        """ValueError of one that says nothing."""
        if self.content is None:
            raise ValueError("it has no body")
        return lines.body(self.content) if isinstance(self.content, str) else self.content

    @property
    def line(self) -> str:
        """Of a topic that is copied. ValueError of one that says nothing."""
        return self.content if isinstance(self.content, str) else lines.line(self.body)

    @property
    def time(self) -> str:
        """When it was measured or happened: ISO 8601 in UTC."""
        return lines.time_of(self.content) if isinstance(self.content, str) else str(self.body["time"])

    @property
    def is_suspected(self) -> bool:
        """Whether there may be an anomaly in it."""
        return not isinstance(self.content, str) or lines.is_suspected(self.content)


class DatabaseAway(AquaError):
    """The database cannot be written to now, by any record: keep all, try later."""


class Moved(AquaError):
    """Somebody else wrote these partitions, or set them to another place: forget what is held of them, look anew."""

    def __init__(self, topic: str, partitions: list[int]) -> None:
        super().__init__(f"{topic}: another instance has moved partitions {partitions}")
        self.partitions = partitions


class NothingTaken(AquaError):
    """The database refuses all records of a topic that are here, and none that it ever took proves that it would take
    others: keep all, try later.
    """


class Undelivered(AquaError):
    """What comes of the records (dead letters, anomalies) could not be brought to safety: keep all, try later."""


def utc_us(time: datetime) -> int:
    """Microseconds since 1970-01-01 UTC."""
    return (time - _EPOCH) // timedelta(microseconds=1)
