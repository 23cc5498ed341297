"""What the uplink needs from the house (a backlog) and from the world (a sink).

The ring buffer fits `Backlog` without being imported here; a sink fits `Sink` and is registered in
`cloud_sync.uplink.SINKS`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol, runtime_checkable

from agent.domain.delivery import DeadLetter, Entry, Taken
from agent.domain.errors import SinkUnavailable
from cloud_sync.contract.record import Record


class Lane(Enum):
    """The ways through which a sink is fed, in the order of their urgency.

    LIVE and BACKLOG carry readings: the newest, and those that had to wait. HEALTH carries the gateway's newest report
    on itself. REPLAY carries dead letters that a person wants to be offered again.
    """

    ALERTS = "alerts"
    GAPS = "gaps"
    LIVE = "live"
    ROLLUPS = "rollups"
    HEALTH = "health"
    REPLAY = "replay"
    BACKLOG = "backlog"


@dataclass(frozen=True, slots=True)
class Rejection:
    """One record that a sink refuses for good, with the sink's own reason."""

    seq: int
    because: str


class Backlog(Protocol):
    """What is still to be delivered; only what an fsync has covered is ever handed out.

    `take` and `settle` raise StoreError while the disk is sick: try again later.
    """

    async def take(self, sink: str, lane: Lane, limit: int, beyond: int = 0, patient: bool = False) -> Taken:
        """The oldest entries of the lane that `sink` has not settled, at most `limit`.

        `beyond` is the last sequence number already on its way in that lane (and perhaps never settled): only what
        comes after it is wanted. A `patient` sink waits for readings whose time is not known yet (the clock was never
        synchronised since the boot); for any other the best estimate becomes their time for good.
        """

    async def settle(self, sink: str, lane: Lane, after: int, upto: int, rejected: Sequence[Rejection]) -> None:
        """What was taken after sequence number `after`, up to and including `upto`, is done with: accepted, or set
        aside in the dead letters for the reasons given. Durable with the next commit: what a power cut takes back is
        sent again. A lane is settled in order, without holes; readings may have changed their lane since they were
        taken, so the sequence numbers count. A dead letter that is rejected again stays one.
        """

    async def wait(self, seconds: float) -> None:
        """Return when something new was stored, or after `seconds`. What was stored before the call may not count,
        so callers keep `seconds` short.
        """


@dataclass(frozen=True, slots=True)
class Delivery:
    """The three outcomes of one attempt.

    Records of the batch named in `rejected` are refused for good; those from sequence number `keep_from` on are
    kept for a later attempt (for the reason given in `because`); all others are accepted and durable at the sink.
    `sent_bytes` is what the attempt cost on the line, as near as the sink knows; it is no part of the outcome.
    """

    rejected: Sequence[Rejection] = field(default=())
    keep_from: int | None = None
    because: str = ""
    sent_bytes: int = field(default=0, compare=False)


class TryLater(SinkUnavailable):
    """The sink is there but asks for a pause of at least `after_s` seconds."""

    def __init__(self, message: str, after_s: float) -> None:
        super().__init__(message)
        self.after_s = after_s


class TooSlow(SinkUnavailable):
    """No answer in time; smaller batches are sent from now on."""


class BatchRefused(Exception):
    """The sink refuses the batch without saying which record is to blame; the forwarder finds out by halving."""


class BatchTooLarge(BatchRefused):
    """The batch has too many records or bytes; smaller ones are sent from now on."""


@dataclass(frozen=True, slots=True)
class Batching:
    """How a sink likes to be fed.

    `limit` is the most records in one `send`; the newest readings wait up to `linger_s` for company (nothing else
    does), 60 at most, or they would not count as the newest any more. A call of the sink that takes longer than
    `deadline_s` is cut off. `clock_patience_s` is how long after the link came up readings whose time is not known yet
    may wait for the clock, where the configuration does not say. `health`: it wants the gateway's reports on itself.
    """

    limit: int = 500
    linger_s: float = 0.0
    deadline_s: float = 30.0
    clock_patience_s: float = 600.0
    health: bool = True


def check_batching(linger_s: float, batch: int, most: int = 5000) -> None:
    """Raises ValueError, in the words of the file, for keys of these names that a sink must not be given."""
    if not 0 <= linger_s <= 60:
        raise ValueError(f"linger_s must be between 0 and 60 seconds, not {linger_s}")
    if not 1 <= batch <= most:
        raise ValueError(f"batch must be between 1 and {most} records, not {batch}")


class Sink(Protocol):
    """A place the uplink delivers to. `batching` does not change.

    After a failed or interrupted call the forwarder closes the sink and opens it anew, so a sink never has to go
    on from a half-done send. Its calls never overlap.
    """

    @property
    def batching(self) -> Batching: ...

    async def open(self) -> None:
        """Returns when the place can be reached. Raises SinkUnavailable or SinkMisconfigured."""

    async def send(self, batch: Sequence[Record]) -> Delivery:
        """Deliver records of one topic, in order. Raises SinkUnavailable (nothing is known to have arrived; the
        whole batch is kept), BatchRefused (nothing has arrived) or SinkMisconfigured. Sending a record twice must
        be harmless.
        """

    async def close(self) -> None:
        """Harmless when not open."""


@runtime_checkable
class PacksAhead(Protocol):
    """A sink that can do the processor's part of a `send` while the one before it is on its way."""

    def pack_ahead(self, batch: Sequence[Record]) -> None:
        """That very batch is likely to be sent next, but nothing is promised."""


class SinkClass(Protocol):
    """What `SINKS` names: a class of sinks.

    `Settings` is a frozen dataclass: its fields are the keys of the sink's table in the configuration; secrets are
    `agent.domain.secret.Secret`. It raises ValueError for fields that do not fit together. The constructor only
    keeps its arguments.
    """

    @property
    def Settings(self) -> type: ...  # noqa: N802

    def __call__(self, settings: Any, gateway_id: str) -> Sink: ...


__all__ = [
    "Backlog",
    "BatchRefused",
    "BatchTooLarge",
    "Batching",
    "DeadLetter",
    "Delivery",
    "Entry",
    "Lane",
    "PacksAhead",
    "Record",
    "Rejection",
    "Sink",
    "SinkClass",
    "Taken",
    "TooSlow",
    "TryLater",
    "check_batching",
]
