"""How the alarms do as a whole, after EEMUA 191 and ISA-18.2: how often one comes, how many stand, which come most.

A person can follow one or two in ten minutes; ten and more are a flood. What stands for a day is stale: nobody acts on
it, so its limit or its priority is wrong. Counted from the start of the gateway on, in memory of a fixed size.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, Final

from agent.alarm_messages import iso
from agent.alarms import Watch
from agent.domain.alarm import AlarmChange, Event
from agent.domain.clock import Clock

_TEN_MINUTES_S: Final = 600
_HOUR_S: Final = 3600
_DAY_S: Final = 24 * _HOUR_S
_TOP: Final = 10


class AlarmMetrics:
    """`count` takes every change that is told, `told` says what they come to."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since_us = clock.now().utc_us
        self._seconds: deque[tuple[int, int]] = deque()  # of the last ten minutes: second, raisings
        self._hours: dict[str, deque[tuple[int, int]]] = {}  # of the last day, by alarm: hour, raisings
        self._raised_s: dict[str, float] = {}
        self._most = 0

    def count(self, changes: Sequence[AlarmChange]) -> None:
        """Never waits."""
        for change in changes:
            name, at_s = str(change.alarm), change.at.boot_s
            if change.event is Event.RAISED:
                self._raised_s[name] = at_s
                _add(self._seconds, int(at_s), _TEN_MINUTES_S)
                _add(self._hours.setdefault(name, deque()), int(at_s // _HOUR_S), _DAY_S // _HOUR_S)
                self._most = max(self._most, sum(n for _, n in self._seconds))

    def told(self, watches: Iterable[Watch]) -> dict[str, Any]:
        """JSON-ready: `rate_per_10_min` now and its greatest, how many alarms stand and which are stale, and the top
        ten of the last day with their share of all raisings.
        """
        now = self._clock.now()
        _forget(self._seconds, int(now.boot_s), _TEN_MINUTES_S)
        for hours in self._hours.values():
            _forget(hours, int(now.boot_s // _HOUR_S), _DAY_S // _HOUR_S)
        counts = {name: sum(n for _, n in hours) for name, hours in self._hours.items() if hours}
        total = sum(counts.values())
        top = sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:_TOP]
        standing = [watch for watch in watches if watch.standing.active]
        stale = [watch for watch in standing if self._stands_s(watch, now.boot_s) > _DAY_S]
        return {
            "time": iso(now.utc_us),
            "since": iso(self._since_us),
            "rate_per_10_min": sum(n for _, n in self._seconds),
            "most_per_10_min": self._most,
            "standing": len(standing),
            "stale": sorted(str(watch.alarm) for watch in stale),
            "raised_in_a_day": total,
            "top_ten": [{"alarm": name, "raised": n, "share": round(n / total, 3)} for name, n in top],
        }

    def _stands_s(self, watch: Watch, now_s: float) -> float:
        """At least: of one that was raised before this start since its last change, which the clock of this boot may
        not reach back to.
        """
        return now_s - self._raised_s.get(str(watch.alarm), watch.standing.since_s)


def _add(counted: deque[tuple[int, int]], when: int, memory: int) -> None:
    if counted and counted[-1][0] == when:
        counted[-1] = (when, counted[-1][1] + 1)
    else:
        counted.append((when, 1))
    _forget(counted, when, memory)


def _forget(counted: deque[tuple[int, int]], now: int, memory: int) -> None:
    while counted and counted[0][0] <= now - memory:
        counted.popleft()
