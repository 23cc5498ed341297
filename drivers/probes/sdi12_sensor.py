"""SDI-12 sensors that a TOML file describes: which command to measure with, and what each of its values is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from agent.domain.errors import BadReply
from agent.domain.farm import Protocol, Unit
from agent.domain.reading import Missing
from drivers.interfaces import Bus, Channel, ProbeDriver, Sdi12Bus
from drivers.probes.profile_entry import Entry
from drivers.probes.text_channel import TextChannel, named_twice, read_channel
from drivers.sdi12 import COMMANDS

_LONGEST_S = 30.0
_MOST_VALUES = 99  # what a concurrent measurement can have


@dataclass(frozen=True, slots=True, eq=False)
class Sdi12Profile:
    """A `Profile`. `command` gives `values` values; `places` says for each channel which one it is, counted from 0.
    A measurement that would take longer than `longest_s` is not begun.
    """

    name: str
    title: str
    manufacturer: str
    manual: str
    command: str
    values: int
    longest_s: float
    places: tuple[tuple[TextChannel, int], ...]
    min_period_s: float = 0.0
    protocols: frozenset[Protocol] = frozenset({Protocol.SDI_12})

    @property
    def channels(self) -> tuple[Channel, ...]:
        return tuple(channel.channel for channel, _ in self.places)

    def driver(self, bus: Bus, unit: Unit) -> ProbeDriver:
        return Sdi12Driver(self, cast(Sdi12Bus, bus), str(unit))


class Sdi12Driver:
    """Has one sensor measure, and takes its values apart."""

    def __init__(self, profile: Sdi12Profile, bus: Sdi12Bus, address: str) -> None:
        self._profile = profile
        self._bus = bus
        self._address = address

    async def read(self) -> Mapping[str, float | Missing]:
        profile = self._profile
        numbers = await self._bus.measure(self._address, profile.command, profile.longest_s)
        if len(numbers) != profile.values:
            raise BadReply(
                f"sensor {self._address} on {self._bus.name} gives {len(numbers)} values to {profile.command}, "
                f"a {profile.name} gives {profile.values}: is it another model?"
            )
        return {channel.channel.name: channel.value(numbers[place]) for channel, place in profile.places}


def read_sdi12(name: str, top: Entry, problems: list[str]) -> Sdi12Profile:
    """The model that the file's top table describes; what is wrong with it is added to `problems`."""
    title = top.text("title", "say what the model is, in quotes")
    manufacturer = top.text("manufacturer", "say who makes it, in quotes")
    manual = top.text("manual", "say which document says what the values are")
    command = top.choice("command", COMMANDS)
    values = top.integer("values", 1, _MOST_VALUES)
    longest_s = top.seconds("longest_s") or _LONGEST_S
    min_period_s = top.seconds("min_period_s") or 0.0
    bad = top.numbers("bad")
    places: list[tuple[TextChannel, int]] = []
    for entry in top.tables("channel"):
        channel = read_channel(entry, problems, bad)
        places.append((channel, entry.integer("value", 1, values) - 1))
        entry.nothing_else()
    if not places:
        problems.append("channel is missing: add a [[channel]] for every quantity the sensor measures")
    problems += named_twice([channel for channel, _ in places])
    return Sdi12Profile(name, title, manufacturer, manual, command, values, longest_s, tuple(places), min_period_s)
