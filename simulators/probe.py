"""What stands between the water and a probe's registers: its slowness, its noise, its resolution and its value faults.

Dead time and first-order lag pass in simulated time, since they belong to the water's course; the update interval of
the electronics passes in real time. Figures and their sources are with the twins that use them.
"""

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass

from simulators.clock import Clock
from simulators.faults import Faults
from simulators.pond import WaterSource
from simulators.water import Water

_LAG_STEPS = 8
_SAME_ANSWER_S = 0.002  # registers of one answer show one measurement


@dataclass(frozen=True, slots=True)
class Sense:
    """How one channel follows the water: `field` of `Water`, τ63 and dead time in simulated seconds, white noise as
    one standard deviation, smallest step of the output, and real seconds between updates.
    """

    field: str
    tau_s: float = 0.0
    dead_s: float = 0.0
    noise: float = 0.0
    resolution: float = 0.0
    update_s: float = 0.0


def perfect(sense: Sense) -> Sense:
    """The same channel without slowness and noise: for recorded water, which a real probe has already blurred."""
    return Sense(sense.field, resolution=sense.resolution, update_s=sense.update_s)


class Senses:
    """The channels of one twin in one water. `main` is the channel that faults without a channel mean."""

    def __init__(
        self,
        channels: Mapping[str, Sense],
        source: WaterSource,
        clock: Clock,
        faults: Faults | None = None,
        seed: int | str = 0,
    ) -> None:
        self.clock = clock
        self.faults = faults or Faults(lambda: clock.real_s)
        self.source = source
        self.main = next(iter(channels))
        self._channels = {name: _Channel(sense, random.Random(f"{seed}/{name}")) for name, sense in channels.items()}

    def read(self, channel: str) -> float | None:
        """The channel's output now in the unit of its `Water` field; None where the water has no value."""
        element = self._channels[channel]
        if element.held is not None and self._amount("stuck", channel):
            return element.held
        value = element.follow(self.source, self.clock)
        if value is None:
            return None
        return value + self._amount("spike", channel) + self._amount("drift", channel)

    def water(self) -> Water:
        """The water itself, now."""
        return self.source.at(self.clock.simulated_s)

    def along(self, field: str, channel: str) -> float | None:
        """A quantity that the device derives from `channel`: the water's own `field`, in proportion to what the
        channel reads (percent from mg/L, salinity from conductivity), so noise and faults show in both.
        """
        water = self.water()
        derived: float | None = getattr(water, field)
        base: float | None = getattr(water, self._channels[channel].sense.field)
        read = self.read(channel)
        if derived is None or base is None or read is None:
            return None
        return derived * (read / base) if base else derived

    def _amount(self, kind: str, channel: str) -> float:
        amount = self.faults.amount(kind, channel)
        return amount or (self.faults.amount(kind) if channel == self.main else 0.0)


class _Channel:
    def __init__(self, sense: Sense, chance: random.Random) -> None:
        self.sense = sense
        self.held: float | None = None
        self._chance = chance
        self._inside: float | None = None  # what the lagging element has reached
        self._at_s = 0.0
        self._updated_s = -math.inf

    def follow(self, source: WaterSource, clock: Clock) -> float | None:
        if clock.device_s - self._updated_s < max(self.sense.update_s, _SAME_ANSWER_S):
            return self.held
        self._updated_s = clock.device_s
        inside = self._lag(source, clock.simulated_s - self.sense.dead_s)
        if inside is None:
            self.held = None
            return None
        value = inside + self._chance.gauss(0.0, self.sense.noise) if self.sense.noise else inside
        step = self.sense.resolution
        self.held = round(value / step) * step if step else value
        return self.held

    def _lag(self, source: WaterSource, now_s: float) -> float | None:
        if self._inside is None or not self.sense.tau_s:
            self._inside = getattr(source.at(now_s), self.sense.field)
        else:
            part = (now_s - self._at_s) / _LAG_STEPS
            share = 1 - math.exp(-part / self.sense.tau_s) if part > 0 else 0.0
            for step in range(1, _LAG_STEPS + 1):
                outside = getattr(source.at(self._at_s + step * part), self.sense.field)
                if outside is None:
                    self._inside = None
                    break
                self._inside += share * (outside - self._inside)
        self._at_s = now_s
        return self._inside
