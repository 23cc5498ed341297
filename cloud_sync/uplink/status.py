"""How a sink is doing, for people; changes are logged when they happen, not with every retry."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from agent.domain.clock import Clock, Instant
from cloud_sync.uplink.breaker import Circuit
from cloud_sync.uplink.interfaces import Lane, Rejection
from cloud_sync.uplink.lanes import Standing

log = logging.getLogger(__name__)


class State(Enum):
    """What a sink's task is doing. WAITING retries soon; MISCONFIGURED needs a person, and so does FAILING: again and
    again something happens that no sink should do. All of them keep everything.
    """

    CONNECTING = "connecting"
    DELIVERING = "delivering"
    IDLE = "idle"
    WAITING = "waiting"
    MISCONFIGURED = "misconfigured"
    FAILING = "failing"


_NEEDS_A_PERSON = (State.MISCONFIGURED, State.FAILING)
TROUBLED = frozenset(state.value for state in (State.WAITING, *_NEEDS_A_PERSON))
"""The names of the states that are shown with their reason."""


@dataclass(frozen=True, slots=True)
class LaneStatus:
    """`oldest_age_s` is the age of the oldest entry that is known to wait, None if none is; the others count records
    since the start of the process.
    """

    oldest_age_s: float | None = None
    delivered: int = 0
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class SinkStatus:
    """`delivered` and `rejected` count records since the start of the process.

    `last_error` stays to be read after the trouble is over; `next_attempt_boot_s` is on the boot clock, and None
    when nothing is put off.
    """

    sink: str
    state: State = State.CONNECTING
    circuit: Circuit = Circuit.CLOSED
    delivered: int = 0
    rejected: int = 0
    last_error: str | None = None
    last_delivery: Instant | None = None
    next_attempt_boot_s: float | None = None
    lanes: Mapping[Lane, LaneStatus] = field(default_factory=dict)

    @property
    def needs_a_person(self) -> bool:
        """Whether it will not pass by itself."""
        return self.state in _NEEDS_A_PERSON


class StatusBoard:
    """Keeps the status of one sink and writes the log of its troubles."""

    def __init__(self, sink: str, clock: Clock) -> None:
        self._status = SinkStatus(sink)
        self._clock = clock
        self._lanes: dict[Lane, LaneStatus] = {}
        self._trouble_since: float | None = None
        self._told: set[str] = set()

    def status(self, circuit: Circuit, standings: Iterable[Standing]) -> SinkStatus:
        """As of now."""
        now = self._clock.now()
        lanes = {
            standing.lane: replace(self._of(standing.lane), oldest_age_s=_age_s(standing.oldest, now))
            for standing in standings
        }
        return replace(self._status, circuit=circuit, lanes=lanes)

    def show(self, state: State) -> None:
        """A state without news; trouble stays on display until a delivery ends it."""
        if self._trouble_since is None:
            self._status = replace(self._status, state=state)

    def trouble(self, state: State, kind: str, because: str, pause_s: float, bug: BaseException | None = None) -> None:
        """Something keeps the sink from taking records for `pause_s`; logged once a `kind` until it is over."""
        now = self._clock.boot_s()
        if self._trouble_since is None:
            self._trouble_since = now
        self._status = replace(self._status, state=state, last_error=because, next_attempt_boot_s=now + pause_s)
        level = logging.ERROR if bug or state in _NEEDS_A_PERSON else logging.WARNING
        self._once(f"{state.value} {kind}", level, f"is {state.value}, everything is kept: {because}", bug)

    def doubt(self, because: str) -> None:
        """The sink refuses a record; a later one has to show whether that is the record's fault."""
        self._status = replace(self._status, last_error=because)

    def complain(self, kind: str, because: str, bug: BaseException | None) -> None:
        """Something went wrong that keeps nothing from being delivered; logged once a `kind` until all is well."""
        self._once(kind, logging.WARNING, because, bug)

    def progress(self, lane: Lane, accepted: int, rejected: Sequence[Rejection]) -> None:
        """Records were acknowledged, and some perhaps set aside."""
        status, before = self._status, self._of(lane)
        self._lanes[lane] = LaneStatus(None, before.delivered + accepted, before.rejected + len(rejected))
        self._status = replace(
            status,
            delivered=status.delivered + accepted,
            rejected=status.rejected + len(rejected),
            last_delivery=self._clock.now() if accepted else status.last_delivery,
        )
        if rejected:
            words = "sink %s: %d of the %s set aside, the first one (sequence %d) because: %s"
            log.warning(words, status.sink, len(rejected), lane.value, rejected[0].seq, rejected[0].because)

    def well(self) -> None:
        """The sink takes records, and nothing of it is put off."""
        if self._trouble_since is not None:
            minutes = (self._clock.boot_s() - self._trouble_since) / 60
            log.info("sink %s delivers again after %.1f min", self._status.sink, minutes)
        self._trouble_since = None
        self._told.clear()
        self._status = replace(self._status, state=State.DELIVERING, next_attempt_boot_s=None)

    def _of(self, lane: Lane) -> LaneStatus:
        return self._lanes.get(lane, LaneStatus())

    def _once(self, kind: str, level: int, words: str, bug: BaseException | None) -> None:
        if kind not in self._told:
            self._told.add(kind)
            log.log(level, "sink %s %s", self._status.sink, words, exc_info=bug)


def _age_s(since: Instant | None, now: Instant) -> float | None:
    """By boot clock within one boot, else by wall time."""
    if since is None:
        return None
    same_boot = since.boot_id == now.boot_id
    return max(0.0, now.boot_s - since.boot_s if same_boot else (now.utc_us - since.utc_us) / 1e6)
