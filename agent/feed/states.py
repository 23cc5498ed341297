"""Where every alarm stands, retained, and said again with every heartbeat so that a dead gateway's alarms run out."""

from collections.abc import Iterable

from agent.alarm_messages import state_json
from agent.alarms import Watch
from agent.domain.alarm import Alarm, AlarmChange
from agent.domain.clock import Clock, Instant
from agent.feed.lanes import Message


class States:
    """`tell` takes the newest change of an alarm; `refresh` makes every alarm's state due, those that stand first."""

    def __init__(self, base: str, valid_s: float, clock: Clock) -> None:
        self._base = base
        self._valid_s = valid_s
        self._clock = clock
        self._watches: dict[str, Watch] = {}
        self._last: dict[str, AlarmChange] = {}
        self._due: dict[str, None] = {}

    def resume(self, watches: Iterable[Watch], standing: Iterable[AlarmChange]) -> None:
        self._watches = {str(watch.alarm): watch for watch in watches}
        self._last = {str(change.alarm): change for change in standing}

    def tell(self, changes: Iterable[AlarmChange]) -> None:
        for change in changes:
            self._last[str(change.alarm)] = change

    def is_newest(self, change: AlarmChange) -> bool:
        return self._last[str(change.alarm)].seq == change.seq

    def message(self, alarm: Alarm) -> Message:
        """Where the alarm stands now. One that is not configured any more stands where its last change left it."""
        name = str(alarm)
        change = self._last.get(name)
        watch = self._watches.get(name)
        if watch is None and change is None:
            raise AssertionError(f"nobody ever heard of {name}")
        standing = watch.standing if watch else change.standing  # type: ignore[union-attr]
        said = state_json(alarm, standing, change, until_us(self._clock.now(), self._valid_s))
        return Message(f"{self._base}/alarm/{name}/state", said, retain=True)

    def refresh(self) -> None:
        standing_first = sorted(self._watches, key=lambda name: not self._watches[name].standing.active)
        self._due = dict.fromkeys([*self._due, *standing_first])

    def first(self) -> Message | None:
        name = next(iter(self._due), None)
        return None if name is None else self.message(self._watches[name].alarm)

    def sent(self) -> None:
        del self._due[next(iter(self._due))]

    def reconnected(self) -> None:
        self._due = {}
        self.refresh()


def until_us(now: Instant, valid_s: float) -> int | None:
    """UTC microseconds of that many seconds from now; None when nobody knows what time it is."""
    return now.utc_us + round(valid_s * 1e6) if now.trusted else None
