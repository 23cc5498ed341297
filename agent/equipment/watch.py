"""Looks at the gateway's own parts once a second, and tells the alarms what it finds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from agent.domain.alarm import AlarmKind
from agent.domain.clock import Clock, Instant
from agent.domain.farm import Equipment

EVERY_S: Final = 1.0

Follow = Callable[[Equipment, AlarmKind, bool | None, str, Instant], None]


@dataclass(frozen=True, slots=True)
class Part:
    """One thing to look at. `look` returns what is wrong with it, "" if nothing is, None if nobody can tell."""

    equipment: Equipment
    kind: AlarmKind
    look: Callable[[], str | None]
    well: str = "works again"


class EquipmentWatch:
    """`follow` is `Pipeline.follow`."""

    def __init__(self, parts: Sequence[Part], follow: Follow, clock: Clock) -> None:
        self._parts = parts
        self._follow = follow
        self._clock = clock

    async def run(self) -> None:
        """Ends by cancellation."""
        while True:
            self.look()
            await self._clock.sleep(EVERY_S)

    def look(self) -> None:
        at = self._clock.now()
        for part in self._parts:
            wrong = part.look()
            self._follow(part.equipment, part.kind, None if wrong is None else bool(wrong), wrong or part.well, at)
