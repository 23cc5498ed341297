"""How warm the water of each tank is, for what depends on it."""

from typing import Final

from agent.domain.clock import Instant
from agent.domain.farm import Tank
from agent.domain.quality import USABLE
from agent.domain.quantity import Quantity
from agent.domain.reading import CheckedReading

LONGEST_S: Final = 900.0
"""Our choice: water in a tank warms by a fraction of a degree in a quarter of an hour."""


class Warmth:
    """The newest temperature of each tank that can be believed, of whichever probe."""

    def __init__(self) -> None:
        self._newest: dict[Tank, tuple[float, float]] = {}

    def learn(self, checked: CheckedReading) -> None:
        reading = checked.reading
        if reading.sensor.quantity is Quantity.TEMPERATURE and reading.value is not None and checked.quality >= USABLE:
            self._newest[reading.sensor.tank] = (reading.at.boot_s, reading.value)

    def of(self, tank: Tank, at: Instant) -> float | None:
        """°C, or None where nobody has known it for `LONGEST_S`."""
        known = self._newest.get(tank)
        return known[1] if known is not None and at.boot_s - known[0] <= LONGEST_S else None
