"""What the uplink needs from the house (a backlog) and from the world (a sink).

The ring buffer fits `Backlog` without being imported here; a sink fits `Sink` and is registered in
`cloud_sync.uplink.SINKS`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar, Protocol

from agent.domain.alarm import AlarmChange
from agent.domain.reading import Gap, StoredReading


class Stream(Enum):
    """The streams of records, in the order of their urgency; each sink has its own cursor in each."""

    ALERTS = "alerts"
    GAPS = "gaps"
    READINGS = "readings"


Entry = StoredReading | AlarmChange | Gap


@dataclass(frozen=True, slots=True)
class Rejection:
    """One record that a sink refuses for good, with the sink's own reason."""

    seq: int
    because: str


class Backlog(Protocol):
    """What is still to be delivered; only what an fsync has covered is ever handed out."""

    async def take(self, sink: str, stream: Stream, limit: int) -> Sequence[Entry]:
        """The oldest entries that `sink` has not settled, at most `limit`, by growing `seq`."""

    async def settle(self, sink: str, stream: Stream, upto: int, rejected: Sequence[Rejection]) -> None:
        """Everything up to and including sequence number `upto` is done with: accepted, or set aside in the dead
        letters for the reasons given. Durable when it returns.
        """

    async def wait(self, seconds: float) -> None:
        """Return when something new was stored, or after `seconds`."""


@dataclass(frozen=True, slots=True)
class Record:
    """One thing to deliver, in the shape of the contract.

    `key` keeps the order where a sink has partitions (sensor or tank id); `body` is JSON-ready.
    """

    seq: int
    topic: str
    key: str
    time_us: int
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Delivery:
    """The three outcomes of one attempt.

    Records of the batch named in `rejected` are refused for good; those from sequence number `keep_from` on are
    kept for a later attempt (for the reason given in `because`); all others are accepted and durable at the sink.
    """

    rejected: Sequence[Rejection] = field(default=())
    keep_from: int | None = None
    because: str = ""


class Sink(Protocol):
    """A place the uplink delivers to.

    `Settings` is a frozen dataclass: its fields are the keys of the sink's table in the configuration; secrets are
    `agent.domain.secret.Secret`. The constructor only keeps its arguments; `open` connects.
    """

    Settings: ClassVar[type]

    async def open(self) -> None:
        """Raises SinkUnavailable or SinkMisconfigured."""

    async def send(self, batch: Sequence[Record]) -> Delivery:
        """Deliver records of one stream, in order. Raises SinkUnavailable (nothing is known to have arrived; the
        whole batch is kept) or SinkMisconfigured. Sending a record twice must be harmless.
        """

    async def close(self) -> None:
        """Harmless when not open."""
