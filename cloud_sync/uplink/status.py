"""How a sink is doing, for people; changes are logged when they happen, not with every retry."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from agent.domain.clock import Clock, Instant
from cloud_sync.uplink.interfaces import Lane, Rejection

log = logging.getLogger(__name__)


class State(Enum):
    """What a sink's task is doing. WAITING retries soon, MISCONFIGURED needs a person; both keep everything."""

    CONNECTING = "connecting"
    DELIVERING = "delivering"
    IDLE = "idle"
    WAITING = "waiting"
    MISCONFIGURED = "misconfigured"


@dataclass(frozen=True, slots=True)
class SinkStatus:
    """`delivered` and `rejected` count records since the start of the process.

    `last_error` stays to be read after the trouble is over; `next_attempt_boot_s` is on the boot clock, and None
    when nothing is put off.
    """

    sink: str
    state: State = State.CONNECTING
    delivered: int = 0
    rejected: int = 0
    last_error: str | None = None
    last_delivery: Instant | None = None
    next_attempt_boot_s: float | None = None


class StatusBoard:
    """Keeps the status of one sink and writes the log of its troubles."""

    def __init__(self, sink: str, clock: Clock) -> None:
        self.status = SinkStatus(sink)
        self._clock = clock
        self._trouble_since: float | None = None
        self._told: set[str] = set()

    def show(self, state: State) -> None:
        """A state without news; trouble stays on display until a delivery ends it."""
        if self._trouble_since is None:
            self.status = replace(self.status, state=state)

    def trouble(self, state: State, kind: str, because: str, pause_s: float, bug: BaseException | None = None) -> None:
        """Something keeps the sink from taking records for `pause_s`; logged once a `kind` until it is over."""
        now = self._clock.boot_s()
        if self._trouble_since is None:
            self._trouble_since = now
        self.status = replace(self.status, state=state, last_error=because, next_attempt_boot_s=now + pause_s)
        level = logging.ERROR if bug or state is State.MISCONFIGURED else logging.WARNING
        self._once(f"{state.value} {kind}", level, f"is {state.value}, everything is kept: {because}", bug)

    def doubt(self, because: str) -> None:
        """The sink refuses a record; a later one has to show whether that is the record's fault."""
        self.status = replace(self.status, last_error=because)

    def complain(self, kind: str, because: str, bug: BaseException | None) -> None:
        """Something went wrong that keeps nothing from being delivered; logged once a `kind` until all is well."""
        self._once(kind, logging.WARNING, because, bug)

    def progress(self, lane: Lane, accepted: int, rejected: Sequence[Rejection]) -> None:
        """Records were acknowledged, and some perhaps set aside."""
        status = self.status
        self.status = replace(
            status,
            delivered=status.delivered + accepted,
            rejected=status.rejected + len(rejected),
            last_delivery=self._clock.now(),
        )
        if rejected:
            words = "sink %s: %d of the %s set aside, the first one (sequence %d) because: %s"
            log.warning(words, status.sink, len(rejected), lane.value, rejected[0].seq, rejected[0].because)

    def well(self) -> None:
        """The sink takes records, and nothing of it is put off."""
        if self._trouble_since is not None:
            minutes = (self._clock.boot_s() - self._trouble_since) / 60
            log.info("sink %s delivers again after %.1f min", self.status.sink, minutes)
        self._trouble_since = None
        self._told.clear()
        self.status = replace(self.status, state=State.DELIVERING, next_attempt_boot_s=None)

    def _once(self, kind: str, level: int, words: str, bug: BaseException | None) -> None:
        if kind not in self._told:
            self._told.add(kind)
            log.log(level, "sink %s %s", self.status.sink, words, exc_info=bug)
