"""What waits in memory for the next commit; what a sick disk keeps waiting for too long is counted as lost."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agent.domain.alarm import AlarmChange
from agent.domain.reading import CheckedReading, Gap


@dataclass(frozen=True, slots=True)
class Unit:
    """What goes into one commit, and into the next one again should that fail."""

    readings: Sequence[CheckedReading]
    changes: Sequence[AlarmChange]
    lost: Sequence[Gap]


class Waiting:
    """At most `most` readings, of which the oldest have to go first, and every alarm change. `sinks` are told of what
    had to go.
    """

    def __init__(self, most: int, sinks: Sequence[str]) -> None:
        self._most = most
        self._sinks = sinks
        self._readings: deque[CheckedReading] = deque()
        self._changes: list[AlarmChange] = []
        self._lost = _Lost()
        self._unit: Unit | None = None

    def put(self, readings: Iterable[CheckedReading], changes: Sequence[AlarmChange]) -> None:
        self._readings.extend(readings)
        while len(self._readings) > self._most:
            self._lost.add(self._readings.popleft())
        self._changes.extend(changes)

    @property
    def readings(self) -> int:
        """How many are not written, whether they were tried or not."""
        return len(self._readings) + (len(self._unit.readings) if self._unit else 0)

    @property
    def changes(self) -> int:
        return len(self._changes) + (len(self._unit.changes) if self._unit else 0)

    @property
    def lost(self) -> int:
        """How many readings had to go of which no sink is told yet."""
        return self._lost.count + (sum(gap.count or 0 for gap in self._unit.lost[:1]) if self._unit else 0)

    def next_unit(self, due: int, most: int) -> Unit | None:
        """What the next commit takes: what the last one failed with, and otherwise the first `due` readings, or as
        many of them as fit into one (`most`), with the alarm changes. The same until it is `written`.
        """
        if self._unit is None and (due > 0 or self._changes):
            readings = [self._readings.popleft() for _ in range(min(due, len(self._readings), most))]
            self._unit = Unit(readings, self._changes, self._lost.gaps(self._sinks))
            self._changes, self._lost = [], _Lost()
        return self._unit

    def written(self) -> None:
        """The last unit is on the disk."""
        self._unit = None


@dataclass(slots=True)
class _Lost:
    """Readings that left the memory before they could be stored."""

    count: int = 0
    from_us: int = 0
    to_us: int = 0

    def add(self, checked: CheckedReading) -> None:
        utc_us = checked.reading.at.utc_us
        self.from_us = min(self.from_us, utc_us) if self.count else utc_us
        self.to_us = max(self.to_us, utc_us) if self.count else utc_us
        self.count += 1

    def gaps(self, sinks: Sequence[str]) -> list[Gap]:
        """One gap a sink; these readings never had a sequence number (0)."""
        because = "the disk did not take readings and the memory for them was full"
        return [Gap(0, sink, 0, 0, self.from_us, self.to_us, self.count, because) for sink in sinks if self.count]
