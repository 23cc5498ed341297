"""Instruments that stream text, described by a TOML file: a regular expression whose named groups are the channels."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from operator import xor
from typing import Final, cast

from agent.domain.errors import BadReply
from agent.domain.farm import Protocol, Unit
from agent.domain.reading import Missing
from drivers.interfaces import Bus, Channel, ProbeDriver, StreamBus
from drivers.probes.line_pattern import line_pattern
from drivers.probes.profile_entry import Entry
from drivers.probes.text_channel import TextChannel, named_twice, read_channel

_CHECKSUMS: Final = ("none", "nmea")
_MAX_AGE_S: Final = 10.0
_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)


@dataclass(frozen=True, slots=True, eq=False)
class TextProfile:
    """A `Profile`. `line` must match a whole line (without its checksum, if it has one); lines that match `ignore`
    are other matters of the instrument. A line older than `max_age_s` is not used, and so long the next is waited for.
    """

    name: str
    title: str
    manufacturer: str
    manual: str
    line: re.Pattern[str]
    ignore: re.Pattern[str] | None
    checksum: str
    max_age_s: float
    groups: tuple[TextChannel, ...]
    min_period_s: float = 0.0
    protocols: frozenset[Protocol] = frozenset({Protocol.TEXT_STREAM})

    @property
    def channels(self) -> tuple[Channel, ...]:
        return tuple(group.channel for group in self.groups)

    def driver(self, bus: Bus, unit: Unit) -> ProbeDriver:
        return TextDriver(self, cast(StreamBus, bus))

    def values(self, line: str) -> dict[str, float | Missing]:
        """What the line says of every channel. ValueError when it is no line of this model."""
        found = self.line.fullmatch(_without_nmea_checksum(line) if self.checksum == "nmea" else line)
        if found is None:
            raise ValueError("the line does not look like one of this model")
        return {group.channel.name: _value(group, found[group.channel.name]) for group in self.groups}


class TextDriver:
    """Reads the newest line of one instrument."""

    def __init__(self, profile: TextProfile, bus: StreamBus) -> None:
        self._profile = profile
        self._bus = bus

    async def read(self) -> Mapping[str, float | Missing]:
        profile = self._profile
        line = await self._bus.newest_line(self._wanted, profile.max_age_s)
        try:
            return profile.values(line)
        except ValueError as error:
            raise BadReply(f"bad line on {self._bus.name}: {line!r}: {error}") from error

    def _wanted(self, line: str) -> bool:
        ignore = self._profile.ignore
        return ignore is None or ignore.fullmatch(line) is None


def _value(group: TextChannel, text: str | None) -> float | Missing:
    text = (text or "").strip()
    if not text:
        return Missing(f"the instrument leaves out {group.channel.name}")
    if not _NUMBER.fullmatch(text):
        return Missing(f"the instrument says {text!r}")
    return group.value(float(text))


def _without_nmea_checksum(line: str) -> str:
    """`$…*hh` without its `*hh`, which is all characters between $ and * by XOR (NMEA 0183). Raises ValueError."""
    body, star, told = line.rpartition("*")
    if not star or not re.fullmatch(r"[0-9A-Fa-f]{2}", told, re.ASCII):
        raise ValueError("it has no checksum")
    if reduce(xor, map(ord, body[1:]), 0) != int(told, 16):
        raise ValueError("checksum error")
    return body


def read_text_instrument(name: str, top: Entry, problems: list[str]) -> TextProfile:
    """The model that the file's top table describes; what is wrong with it is added to `problems`."""
    title = top.text("title", "say what the model is, in quotes")
    manufacturer = top.text("manufacturer", "say who makes it, in quotes")
    manual = top.text("manual", "say which document says what the lines are")
    example = top.text("example", "show a line as it comes, in quotes")
    line = line_pattern(top, "line", example)
    ignore = line_pattern(top, "ignore", example) if top.has("ignore") else None
    checksum = top.choice("checksum", _CHECKSUMS, "none")
    max_age_s = top.seconds("max_age_s") or _MAX_AGE_S
    min_period_s = top.seconds("min_period_s") or 0.0
    bad = top.numbers("bad")
    groups = []
    for entry in top.tables("channel"):
        groups.append(read_channel(entry, problems, bad))
        entry.nothing_else()
    if not groups:
        problems.append("channel is missing: add a [[channel]] for every quantity in the line")
    problems += named_twice(groups)
    if line is not None and not problems:
        model = TextProfile(
            name, title, manufacturer, manual, line, ignore, checksum, max_age_s, tuple(groups), min_period_s
        )
        problems += _contradictions(model, example)
        return model
    return TextProfile(name, title, manufacturer, manual, re.compile(""), None, checksum, max_age_s, ())


def _contradictions(model: TextProfile, example: str) -> list[str]:
    """What is right key by key and wrong together."""
    groups, names = set(model.line.groupindex), {channel.name for channel in model.channels}
    problems = [f"line has no group (?P<{name}>…) for the channel {name!r}" for name in sorted(names - groups)]
    problems += [f"line has a group {name!r}, and no [[channel]] of that name" for name in sorted(groups - names)]
    if problems:
        return problems
    if model.ignore is not None and model.ignore.fullmatch(example):
        return [f"example = {example!r}: `ignore` matches it, too"]
    try:
        values = model.values(example)
    except ValueError as error:
        return [f"example = {example!r}: {error}"]
    lost = {name: value.because for name, value in values.items() if isinstance(value, Missing)}
    return [f"example = {example!r}: gives no {name}: {because}" for name, because in lost.items()]
