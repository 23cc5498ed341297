"""Out of the water: conductivity falls to nothing, and with it the temperature of the same probe jumps.

Air does not conduct, and is hardly ever as warm as the water. Either alone may be a fault or the weather; together they
say that the probe hangs in the air, and that nothing it measures is water. So every reading of that probe fails until
it conducts again: no alarm of a limit is raised or cleared by what it says meanwhile, and `sensor_failed` tells that
the water is not known. A reading is judged by what conductivity and temperature last said, in the same turn or the one
before. Only within one probe: whether two were lifted together nobody knows.
"""

from dataclasses import dataclass
from math import inf
from typing import Final

from agent.checks.check import GOOD, NOT_EVALUATED, Check, Point, Surroundings
from agent.checks.step import MOST_WITHIN_S
from agent.domain.quality import WRONG_PROBE
from agent.domain.quantity import Quantity
from agent.domain.reading import Flag, Verdict

_CONDUCTING: Final = (Quantity.CONDUCTIVITY, Quantity.SPECIFIC_CONDUCTANCE, Quantity.SALINITY)
"""What tells that there is water around the cell, the first of them that the probe has."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Out of the water, when conductivity falls below `dry_share` of what it was (a film of water still conducts a
    little) and temperature changes by `temperature_step` °C within `within_s` seconds. Both ours: conductivity that
    only falls is the new level after that time; no water of a farm does so and warms or cools by that much at once.
    """

    dry_share: float = 0.05
    temperature_step: float = 1.0
    within_s: float = 600.0

    def __post_init__(self) -> None:
        if not (0 < self.dry_share < 1 and self.temperature_step > 0 and 0 < self.within_s <= MOST_WITHIN_S):
            raise ValueError(f"needs 0 < dry_share < 1, temperature_step > 0 and 0 < within_s <= {MOST_WITHIN_S:g}")


class OutOfWater(Check):
    """FAIL in the air, and GOOD in the water; it does not apply to a probe without conductivity or temperature."""

    remembers = True
    learnt = ("_wet", "_wet_s", "_dry", "_because")
    limits: Limits

    def __init__(self, limits: Limits, surroundings: Surroundings) -> None:
        super().__init__(limits, surroundings)
        self._within_s = max(limits.within_s, 3 * surroundings.period_s)
        self._temperature = surroundings.on_probe(Quantity.TEMPERATURE)
        conducting = next((quantity for quantity in _CONDUCTING if quantity in surroundings.probe), None)
        self._conductivity = None if conducting is None else surroundings.on_probe(conducting)
        self._is_it = conducting is surroundings.quantity
        self._wet, self._wet_s, self._dry = 0.0, -inf, 0.0
        self._because = ""

    @property
    def basis(self) -> str:
        return f"{super().basis} {self._conductivity.name if self._conductivity else ''}"

    @property
    def applies(self) -> bool:
        return self._conductivity is not None and self._temperature is not None

    @property
    def memory_s(self) -> float:
        return self._within_s + 3600.0

    def judge(self, point: Point) -> Verdict:
        at_s, conducts = self._seen(point.at_s, point.value)
        if conducts > self._dry and point.at_s - at_s <= self._within_s:
            return GOOD
        wet, _, because = self._now(point.at_s, at_s, conducts)
        if because:
            return Verdict(Flag.FAIL, because, WRONG_PROBE)
        return GOOD if wet > 0 else NOT_EVALUATED

    def learn(self, at_s: float, value: float, quality: float) -> None:
        seen_s, conducts = self._seen(at_s, value)
        is_fresh = at_s - seen_s <= self._within_s
        if conducts > self._dry and is_fresh:
            self._wet, self._wet_s, self._because = conducts, seen_s, ""
        elif is_fresh or not self._because:  # a hole puts no probe back into the water
            self._wet, self._wet_s, self._because = self._now(at_s, seen_s, conducts)
        self._dry = self.limits.dry_share * self._wet

    def _seen(self, at_s: float, value: float) -> tuple[float, float]:
        """When conductivity was last read, and what it was."""
        if self._is_it:
            return at_s, value
        return (self._conductivity.newest if self._conductivity else None) or (-inf, 0.0)

    def _now(self, at_s: float, seen_s: float, conducts: float) -> tuple[float, float, str]:
        """How well it conducts in the water, when it last did, and why it is out of it, if it is."""
        if at_s - seen_s > self._within_s:
            return 0.0, -inf, ""  # nobody has known for long
        if self._because:
            return self._wet, self._wet_s, self._because
        if self._wet == 0.0 or seen_s - self._wet_s > self._within_s:
            return max(conducts, 0.0), seen_s, ""
        step = self._temperature.change(self._wet_s, self._wet_s) if self._temperature else None
        if step is None or abs(step) < self.limits.temperature_step:
            return self._wet, self._wet_s, ""
        because = f"conductivity fell from {self._wet:.3g} to {conducts:.3g}, temperature changed by {step:+.1f} °C"
        return self._wet, self._wet_s, f"{because}: the probe is out of the water"
