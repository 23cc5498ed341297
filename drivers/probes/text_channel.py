"""A channel whose number comes as text: from the number to a value in canonical units, or to the reason why not."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from agent.domain.quantity import Quantity
from agent.domain.reading import Missing
from drivers.interfaces import Channel
from drivers.probes.profile_entry import Entry
from drivers.units import UNITS

_QUANTITIES: Final = {quantity.sensor_type: quantity for quantity in Quantity}


@dataclass(frozen=True, slots=True)
class TextChannel:
    """(number × scale + offset) is in `unit`; `bad` lists numbers that mean "no value"."""

    channel: Channel
    unit: str
    scale: Fraction = Fraction(1)
    offset: float = 0.0
    bad: tuple[float, ...] = ()

    def value(self, number: float) -> float | Missing:
        if number in self.bad:
            return Missing(f"the probe reports {number:g}, which means no value")
        if not math.isfinite(number):
            return Missing(f"the probe reports {'no number' if math.isnan(number) else number}")
        factor, offset = UNITS[self.channel.quantity][self.unit]
        gain = self.scale * factor
        # Divided by 1000 rather than multiplied by 0.001: 714 becomes 0.714 and not 0.7140000000000001.
        value = number * gain.numerator / gain.denominator + self.offset * float(factor) + offset
        return value if math.isfinite(value) else Missing(f"{number:g} {self.unit} is no value")


def read_channel(entry: Entry, problems: Sequence[str], bad: tuple[float, ...]) -> TextChannel:
    """The [[channel]] in `entry`, all but what its kind adds; `bad` holds for all channels of the file."""
    name = entry.text("name", "name the channel, in quotes")
    so_far = len(problems)
    quantity = _QUANTITIES[entry.choice("quantity", tuple(_QUANTITIES))]
    # An unknown quantity is one mistake: which units it may have cannot be told.
    units = UNITS[quantity] if len(problems) == so_far else {unit for known in UNITS.values() for unit in known}
    unit = entry.choice("unit", tuple(units))
    scale = Fraction(repr(entry.number("scale", 1.0)))
    if scale == 0:
        entry.wrong("scale", 0, "zero would make every value zero")
    offset = entry.number("offset", 0.0)
    return TextChannel(Channel(name, quantity, entry.span()), unit, scale, offset, bad + entry.numbers("bad"))


def named_twice(channels: Sequence[TextChannel]) -> list[str]:
    """A problem for every name that is used more than once."""
    names = [channel.channel.name for channel in channels]
    return [f"channel name {name!r} is used twice" for name in sorted({n for n in names if names.count(n) > 1})]
