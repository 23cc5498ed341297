"""Simulated ponds for a month, each probe with every fault it can have; the same for the same seed.

Signatures: garbage with a right checksum is 0, full scale or another register; a stuck probe repeats its last value; a
bubble on a conductivity cell costs 5 to 20 %; without temperature compensation it is off by 1.91 % a degree; broken
glass says pH 7; a ground loop shifts pH; noise comes from a bad reference; out of the water oxygen is 100 % of
saturation and conductivity nothing. Noise: 0.012 mg/L was measured of an optical oxygen probe, the others are what one
last digit more or less makes. Size and length of the others are chosen, not measured.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from random import Random

from agent.domain.quantity import Quantity
from simulators.pond import Pond, PondSettings
from simulators.schedule import Window
from simulators.water import Water, oxygen_saturation
from tests.bench.anomalies.series import Series

_HOUR, _DAY = 3600.0, 86_400.0

PONDS: Mapping[str, PondSettings] = {
    "trout tank": PondSettings(),
    "green pond": PondSettings(
        temperature_c=27, temperature_swing_c=2.0, biomass_kg_per_m3=0.6, background_respiration_mg_per_l_h=0.25,
        photosynthesis_mg_per_l_h=0.8, aeration_per_h=0.5, surface_exchange_per_h=0.12,
        aeration_saturation_percent=100,
    ),
    "shrimp pond": PondSettings(
        temperature_c=29, temperature_swing_c=1.0, salinity_psu=18, biomass_kg_per_m3=1.5, alkalinity_meq_per_l=2.5,
        background_respiration_mg_per_l_h=0.3, photosynthesis_mg_per_l_h=1.0, aeration_per_h=1.0,
        aeration_saturation_percent=100,
    ),
    "salmon hall": PondSettings(
        temperature_c=13, temperature_swing_c=0.2, salinity_psu=12, biomass_kg_per_m3=60, aeration_per_h=8.0,
        aeration_saturation_percent=140,
    ),
}  # fmt: skip

_BY_DAY = Window(1.0 * _HOUR, 8.0 * _HOUR, _DAY)
_RESTS: Mapping[str, Window] = {"green pond": _BY_DAY, "shrimp pond": _BY_DAY}
"""When aerators stand still as they should: from ten to six the algae do it."""


@dataclass(frozen=True, slots=True)
class Channel:
    """How a probe shows one quantity: field of `Water`, noise as a standard deviation, last digit, full scale, what
    noise and offsets are measured in (`step`: a jump that the quality manuals would already call a spike).
    """

    quantity: Quantity
    field: str
    noise: float
    digit: float
    full_scale: float
    step: float


CHANNELS = (
    Channel(Quantity.TEMPERATURE, "temperature_c", 0.01, 0.01, 50.0, 0.5),
    Channel(Quantity.PH, "ph", 0.006, 0.01, 14.0, 0.1),
    Channel(Quantity.DISSOLVED_OXYGEN, "oxygen_mg_per_l", 0.012, 0.01, 20.0, 0.76),
    Channel(Quantity.CONDUCTIVITY, "conductivity_ms_per_cm", 0.002, 0.001, 100.0, 0.03),  # of the value
)

Distort = Callable[[float, float, Water], float]
"""What a faulty probe shows: (true value, seconds since the fault began, water) → value."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`kind` from `from_s` to `to_s`; `holds`: the value of `from_s` is repeated."""

    kind: str
    from_s: float
    to_s: float
    distort: Distort
    noise: float = 1.0


def series_of(seed: int, days: int = 30, every_s: float = 60.0, noise: float = 1.0) -> Iterator[Series]:
    """Every channel of every pond; `noise` scales the probes' own. One reading in two hundred is missing."""
    for name, settings in PONDS.items():
        chance = Random(f"{seed} {name}")
        # at night, when all of them run
        nights = [chance.randrange(3, days - 1) + chance.uniform(0.45, 0.9) for _ in range(2)]
        failures = [Window(night * _DAY, chance.uniform(20, 60) * 60) for night in nights]
        rests = [_RESTS[name]] if name in _RESTS else []
        pond = Pond(settings, seed=chance.randrange(1 << 30), failures=[*failures, *rests])
        times = [n * every_s for n in range(int(days * _DAY / every_s)) if chance.random() > 0.005]
        waters = [pond.at(t) for t in times]
        for channel in CHANNELS:
            yield _series(f"{name} {channel.field}", channel, times, waters, failures, noise, chance)


def _series(
    name: str, channel: Channel, times: list[float], waters: list[Water], failures: list[Window], noise: float,
    chance: Random,
) -> Series:  # fmt: skip
    if channel.quantity is Quantity.CONDUCTIVITY:
        value = waters[0].conductivity_ms_per_cm or 1.0
        channel = replace(channel, noise=channel.noise * value, step=channel.step * value)
    faults = sorted(_faults(channel, times[-1], chance), key=lambda fault: fault.from_s)
    sigma = channel.noise * noise * chance.uniform(0.7, 1.4)
    values: list[float] = []
    labels: list[str] = []
    next_fault, now = 0, None
    for t, water in zip(times, waters, strict=True):
        if now is not None and t > now.to_s:
            now = None
        while next_fault < len(faults) and t >= faults[next_fault].from_s:
            now, next_fault = faults[next_fault], next_fault + 1
        value = getattr(water, channel.field)
        if now is not None:
            value = now.distort(value, t - now.from_s, water)
        if now is None or now.noise:
            value += chance.gauss(0, sigma * (now.noise if now else 1.0))
        value = round(value / channel.digit) * channel.digit
        if now is not None and now.kind == "stuck" and labels[-1:] == ["stuck"]:
            value = values[-1]
        values.append(value)
        labels.append(now.kind if now else _failed(channel, failures, t))
    return Series(name, channel.quantity, list(times), values, labels)


def _failed(channel: Channel, failures: list[Window], t: float) -> str:
    """Oxygen, and with it carbon dioxide and pH, of a tank whose aerator stands still: the water, not the probe."""
    gasping = channel.quantity in (Quantity.DISSOLVED_OXYGEN, Quantity.PH)
    return "aerator stopped" if gasping and any(window.holds(t) for window in failures) else ""


def _faults(channel: Channel, end_s: float, chance: Random) -> Iterator[Fault]:
    """A month's faults, none before the third day, no two within the same six hours."""
    makers = [maker for maker, often in _MONTH[channel.quantity] for _ in range(often)]
    chance.shuffle(makers)
    room_s = (end_s - 3 * _DAY) / len(makers)
    for n, maker in enumerate(makers):
        from_s = 3 * _DAY + n * room_s + chance.uniform(0, 0.3) * room_s
        kind, for_s, distort, noise = maker(channel, chance)
        yield Fault(kind, from_s, from_s + min(for_s, 0.6 * room_s), distort, noise)


Maker = Callable[[Channel, Random], tuple[str, float, Distort, float]]


def _garbage(channel: Channel, chance: Random) -> tuple[str, float, Distort, float]:
    shown = chance.choice((0.0, channel.full_scale, chance.uniform(0, channel.full_scale)))
    return "garbage", 1.0, lambda value, since_s, water: shown, 0.0


def _spike(channel: Channel, chance: Random) -> tuple[str, float, Distort, float]:
    amount = chance.choice((-1, 1)) * channel.step * chance.uniform(1, 5)
    return "spike", chance.choice((1.0, 60.0, 120.0)), lambda value, since_s, water: value + amount, 1.0


def _stuck(channel: Channel, chance: Random) -> tuple[str, float, Distort, float]:
    return "stuck", chance.uniform(4, 12) * _HOUR, lambda value, since_s, water: value, 1.0


def _noisy(channel: Channel, chance: Random) -> tuple[str, float, Distort, float]:
    return "noise", chance.uniform(0.5, 3) * _HOUR, lambda value, since_s, water: value, chance.uniform(8, 20)


def _offset(channel: Channel, chance: Random) -> tuple[str, float, Distort, float]:
    amount = chance.choice((-1, 1)) * channel.step * chance.uniform(2, 5)
    return "offset", chance.uniform(1, 12) * _HOUR, lambda value, since_s, water: value + amount, 1.0


def _out_of_water(channel: Channel, chance: Random) -> tuple[str, float, Distort, float]:
    warmer = chance.choice((-1, 1)) * chance.uniform(3, 8)

    def distort(value: float, since_s: float, water: Water) -> float:
        share = 1 - math.exp(-since_s / 90)
        shown = {
            Quantity.TEMPERATURE: value + warmer,
            Quantity.CONDUCTIVITY: 0.01,
            Quantity.DISSOLVED_OXYGEN: oxygen_saturation((water.temperature_c or 0.0) + warmer),
        }[channel.quantity]
        return value + share * (shown - value)

    return "out of the water", chance.uniform(10, 60) * 60, distort, 3.0


def _broken_glass(channel: Channel, chance: Random) -> tuple[str, float, Distort, float]:
    return "broken glass", chance.uniform(6, 24) * _HOUR, lambda value, since_s, water: 7.0, 1.0


def _bubble(channel: Channel, chance: Random) -> tuple[str, float, Distort, float]:
    share = 1 - chance.uniform(0.05, 0.2)
    return "bubble", chance.uniform(0.2, 3) * _HOUR, lambda value, since_s, water: value * share, 3.0


def _uncompensated(channel: Channel, chance: Random) -> tuple[str, float, Distort, float]:
    def distort(value: float, since_s: float, water: Water) -> float:
        return value * (1 + 0.0191 * ((water.temperature_c or 25.0) - 25))

    return "uncompensated", chance.uniform(3, 12) * _HOUR, distort, 1.0


def _fouling(channel: Channel, chance: Random) -> tuple[str, float, Distort, float]:
    a_week = 1.5 * channel.step * chance.choice((-1, 1))
    return "fouling", 5 * _DAY, lambda value, since_s, water: value + a_week * since_s / (7 * _DAY), 1.0


_ALWAYS = ((_garbage, 6), (_spike, 8), (_stuck, 2), (_noisy, 2), (_offset, 2))
_MONTH: Mapping[Quantity, tuple[tuple[Maker, int], ...]] = {
    Quantity.TEMPERATURE: (*_ALWAYS, (_out_of_water, 2)),
    Quantity.PH: (*_ALWAYS, (_broken_glass, 1), (_fouling, 1)),
    Quantity.DISSOLVED_OXYGEN: (*_ALWAYS, (_out_of_water, 1), (_fouling, 1)),
    Quantity.CONDUCTIVITY: (*_ALWAYS, (_out_of_water, 1), (_bubble, 2), (_uncompensated, 1)),
}
"""How often each befalls a probe in a month."""
