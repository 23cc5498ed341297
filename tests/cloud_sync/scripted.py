"""A clock that jumps, a backlog in memory, and a sink that does what the script says."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from enum import Enum, auto

from agent.domain.clock import Instant
from agent.domain.errors import SinkMisconfigured, SinkUnavailable
from cloud_sync.contract.record import Record
from cloud_sync.uplink.interfaces import Batching, BatchRefused, BatchTooLarge, Delivery, Entry, Lane, Rejection, Taken


class JumpingClock:
    """Sleeping takes no time but moves the clock."""

    def __init__(self) -> None:
        self.time_s = 1000.0
        self.slept: list[float] = []

    def now(self) -> Instant:
        return Instant(int(self.time_s * 1e6), self.time_s, "boot-a", True)

    def boot_s(self) -> float:
        return self.time_s

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time_s += seconds
        await asyncio.sleep(0)


class Drained(Exception):
    """Nothing is left to deliver and nothing more will come; ends the forwarder of a test."""


Entries = dict[Lane, list[Entry]]

READINGS = (Lane.LIVE, Lane.BACKLOG)


class MemoryBacklog:
    """Fits `Backlog`: one sink's `entries` by lane; readings up to `edge` are BACKLOG, those after it LIVE. What is
    settled leaves `entries`.

    Each `wait` lets the next of `later` happen: entries for a lane, or whatever a function does. At the end it raises
    Drained, once everything is settled or `until` (boot seconds) is reached.
    """

    def __init__(
        self,
        clock: JumpingClock,
        readings: Iterable[Entry] = (),
        alerts: Iterable[Entry] = (),
        gaps: Iterable[Entry] = (),
        later: Iterable[tuple[Lane, Sequence[Entry]] | Callable[["MemoryBacklog"], None]] = (),
        until: float | None = None,
        edge: int = 0,
    ) -> None:
        self._clock = clock
        self._until = until
        self.later = list(later)
        self.entries: Entries = {lane: [] for lane in Lane}
        for lane, first in ((Lane.LIVE, readings), (Lane.ALERTS, alerts), (Lane.GAPS, gaps)):
            self.bring(lane, first)
        self.move_edge(edge)
        self.dead: list[tuple[Lane, Rejection]] = []
        self.patience: list[bool] = []
        self.on_settle: Callable[[Lane, Sequence[int], Sequence[Rejection]], None] = lambda *_: None

    def bring(self, lane: Lane, entries: Iterable[Entry]) -> None:
        self.entries[lane] += entries

    def move_edge(self, edge: int) -> None:
        live = self.entries[Lane.LIVE]
        self.entries[Lane.BACKLOG] += [entry for entry in live if entry.seq <= edge]
        self.entries[Lane.LIVE] = [entry for entry in live if entry.seq > edge]

    @property
    def empty(self) -> bool:
        return not any(self.entries.values())

    async def take(self, sink: str, lane: Lane, limit: int, beyond: int = 0, patient: bool = False) -> Taken:
        await asyncio.sleep(0)
        assert limit >= 1
        assert len(self.patience) < 100_000, "the forwarder turns in a circle"
        self.patience.append(patient)
        left = [entry for entry in self.entries[lane] if entry.seq > beyond]
        return Taken(left[0].seq - 1 if left else beyond, left[:limit])

    async def settle(self, sink: str, lane: Lane, after: int, upto: int, rejected: Sequence[Rejection]) -> None:
        await asyncio.sleep(0)
        assert all(entry.seq > after for entry in self.entries[lane]), "a lane is settled without holes"
        settled = [entry for entry in self.entries[lane] if entry.seq <= upto]
        self.on_settle(lane, [entry.seq for entry in settled], rejected)
        self.entries[lane] = [entry for entry in self.entries[lane] if entry.seq > upto]
        self.dead += [(lane, rejection) for rejection in rejected]

    async def wait(self, seconds: float) -> None:
        assert seconds > 0
        await asyncio.sleep(0)
        self._clock.time_s += seconds
        if self.later:
            event = self.later.pop(0)
            event(self) if callable(event) else self.bring(*event)
            return
        if self.empty if self._until is None else self._clock.time_s >= self._until:
            raise Drained
        assert self._clock.time_s < 1e7, "nothing is ever delivered"


class Step(Enum):
    """What the sink does with one send."""

    ACCEPT = auto()
    UNAVAILABLE = auto()
    MISCONFIGURED = auto()
    CRASH = auto()
    CANCEL_ITSELF = auto()
    LOSE_THE_ACK = auto()
    KEEP_THE_SECOND_HALF = auto()
    KEEP_ALL = auto()
    TOO_LARGE = auto()
    HANG = auto()


class ScriptedSink:
    """Follows `steps`, then accepts. Records in `poison` are refused: by name if it `names` them, otherwise with the
    whole batch. The sends from the first to before the second number of `refuses_all` are refused, poison or not.
    """

    def __init__(
        self,
        steps: Iterable[Step] = (),
        poison: Iterable[int] = (),
        names: bool = False,
        batching: Batching | None = None,
        refuses_all: tuple[int, int] = (0, 0),
    ) -> None:
        self.steps = list(steps)
        self.refuses_all = range(*refuses_all)
        self.poison = set(poison)
        self.names = names
        self.batching = batching or Batching(limit=20, deadline_s=0.005)
        self.received: list[tuple[str, int]] = []
        self.sizes: list[int] = []
        self.opened = 0

    async def open(self) -> None:
        self.opened += 1

    async def close(self) -> None:
        pass

    async def send(self, batch: Sequence[Record]) -> Delivery:
        self.sizes.append(len(batch))
        step = self.steps.pop(0) if self.steps else Step.ACCEPT
        match step:
            case Step.UNAVAILABLE:
                raise SinkUnavailable("away")
            case Step.MISCONFIGURED:
                raise SinkMisconfigured("who are you?")
            case Step.CRASH:
                raise ZeroDivisionError("a bug")
            case Step.CANCEL_ITSELF:
                raise asyncio.CancelledError
            case Step.HANG:
                await asyncio.sleep(60)
            case Step.TOO_LARGE if len(batch) > 1:
                raise BatchTooLarge("too large")
            case Step.KEEP_ALL:
                return Delivery(keep_from=batch[0].seq, because="full")
            case Step.KEEP_THE_SECOND_HALF if len(batch) > 1:
                middle = len(batch) // 2
                delivery = self._judge(batch[:middle])
                return Delivery(delivery.rejected, batch[middle].seq, "full")
        delivery = self._judge(batch)
        if step is Step.LOSE_THE_ACK:
            raise SinkUnavailable("connection reset")
        return delivery

    def _judge(self, batch: Sequence[Record]) -> Delivery:
        all_bad = len(self.sizes) - 1 in self.refuses_all
        bad = [record.seq for record in batch if all_bad or record.seq in self.poison]
        if bad and not self.names:
            raise BatchRefused("bad batch")
        self.received += [(record.topic, record.seq) for record in batch if record.seq not in bad]
        return Delivery([Rejection(seq, "bad record") for seq in bad])
