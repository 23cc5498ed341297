"""Atlas Scientific EZO circuits on a UART: pH, dissolved oxygen, conductivity, temperature (RTD).

Source: the circuits' data sheets, UART mode. 9600 8N1, commands and answers ended by a carriage return; a new circuit
streams a value every second. So at first contact, and again after a restart or a failure (the circuit may have been
swapped), the driver turns the status lines on and the streaming off, and asks which values the circuit is set to send:
the answer to `R` is a bare list in a fixed order (mg, % and EC, TDS, S, SG). Case and blanks vary with the firmware.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

from agent.domain.errors import BadReply, BusError, ProbeError
from agent.domain.farm import Protocol, Span, Unit
from agent.domain.quantity import Quantity
from agent.domain.reading import Missing
from drivers.interfaces import Bus, Channel, ProbeDriver, TextBus
from drivers.units import UNITS

_READ: Final = "R"
_NUMBER: Final = re.compile(r"-?(\d+(\.\d+)?|nan|inf)", re.ASCII)  # float() would take 7e02 and 7_002 as well
_SETTING_WITHIN_S: Final = 1.0  # nominally 0.3 s
_RESTARTED: Final = frozenset({"*RS", "*RE"})
_SCALES: Final = {"C": "°C", "K": "K", "F": "°F"}

# Words in place of a value, and what they mean.
_NO_VALUE: Final = {
    "CHECKPROBE": "the circuit says 'check probe'",
    "NOOUTPUT": "the circuit has all its outputs switched off",
}
_NO_PROBE: Final = -1023.0  # an RTD circuit without a probe


@dataclass(frozen=True, slots=True)
class Output:
    """One value a circuit can send: its name in `O,?`, its unit, and the channel it feeds (None: not ours)."""

    name: str
    channel: Channel | None
    unit: str


@dataclass(frozen=True, slots=True, eq=False)
class EzoProfile:
    """One kind of circuit. `outputs` are in the order of the answer; `asks` is the command that tells which are on
    (`O,?`), or in which scale (`S,?`).
    """

    name: str
    title: str
    outputs: tuple[Output, ...]
    answer_within_s: float
    asks: str = ""
    protocols: frozenset[Protocol] = frozenset({Protocol.SERIAL_TEXT})
    min_period_s: float = 0.0

    @property
    def channels(self) -> tuple[Channel, ...]:
        return tuple(output.channel for output in self.outputs if output.channel is not None)

    def driver(self, bus: Bus, unit: Unit) -> ProbeDriver:
        return EzoDriver(self, cast(TextBus, bus))


class EzoDriver:
    """Asks one circuit."""

    def __init__(self, profile: EzoProfile, bus: TextBus) -> None:
        self._profile = profile
        self._bus = bus
        self._sends: tuple[Output, ...] | None = None
        self._scale = ""

    async def read(self) -> Mapping[str, float | Missing]:
        try:
            sends, lines = await self._asked()
            return self._values(sends, lines)
        except (BusError, ProbeError):
            self._sends = None
            raise

    async def _asked(self) -> tuple[tuple[Output, ...], list[str]]:
        """What the circuit sends, and what it sent."""
        if self._sends is None:
            self._sends = await self._introduced()
        lines = await self._bus.ask(_READ, self._profile.answer_within_s)
        if _RESTARTED & {line.upper() for line in lines}:
            self._sends = await self._introduced()
            lines = await self._bus.ask(_READ, self._profile.answer_within_s)
        return self._sends, lines

    async def _introduced(self) -> tuple[Output, ...]:
        """Settle the circuit; the outputs it will send."""
        for setting in ("*OK,1", "C,0"):
            await self._bus.ask(setting, _SETTING_WITHIN_S)
        profile = self._profile
        if not profile.asks:
            return profile.outputs
        lines = await self._bus.ask(profile.asks, _SETTING_WITHIN_S)
        topic = profile.asks[0]
        for line in lines:
            words = _words(line)
            if line.startswith("?") and words[:1] == [topic]:
                return self._told(topic, words[1:])
        raise BadReply(f"{profile.title} on {self._bus.name} answers {profile.asks} with {' '.join(lines)!r}")

    def _told(self, topic: str, words: list[str]) -> tuple[Output, ...]:
        if topic == "S":
            self._scale = _SCALES.get(words[0] if words else "", "")
            if not self._scale:
                raise BadReply(f"{self._profile.title} on {self._bus.name} has an unknown scale: {words}")
            return self._profile.outputs
        return tuple(output for output in self._profile.outputs if output.name in words)

    def _values(self, sends: tuple[Output, ...], lines: list[str]) -> dict[str, float | Missing]:
        told = " ".join(lines)
        if any(line.upper() == "*ER" for line in lines):
            raise BadReply(f"{self._profile.title} on {self._bus.name} refuses to read: {told!r}")
        answers = {line for line in lines if not line.startswith("*")}
        if len(answers) != 1:
            trouble = "several values" if answers else "no value"
            raise BadReply(f"{self._profile.title} on {self._bus.name} sent {trouble}: {told!r}")
        (answer,) = answers
        because = _NO_VALUE.get("".join(_words(answer)))
        if because:
            return {channel.name: Missing(because) for channel in self._profile.channels}
        numbers = _numbers(answer)
        if len(numbers) != len(sends):
            expected = ", ".join(output.name for output in sends)
            raise BadReply(f"{self._profile.title} on {self._bus.name} sent {answer!r} instead of {expected}")
        values: dict[str, float | Missing] = {
            output.channel.name: Missing(
                f"the circuit is not set to send {output.name}: switch it on with O,{output.name},1"
            )
            for output in self._profile.outputs
            if output.channel is not None
        }
        for output, number in zip(sends, numbers, strict=True):
            if output.channel is not None:
                values[output.channel.name] = _canonical(number, output.channel.quantity, self._scale or output.unit)
        return values


def _words(line: str) -> list[str]:
    """`?, O, %,mg` → O, %, MG: what is left when case and blanks don't count."""
    return re.sub(r"[?\s]", "", line).strip(",").upper().split(",")


def _numbers(answer: str) -> list[float]:
    """The numbers of a bare list; empty when it is something else."""
    fields = [field.strip() for field in answer.split(",")]
    return [float(field) for field in fields] if all(map(_NUMBER.fullmatch, fields)) else []


def _canonical(number: float, quantity: Quantity, unit: str) -> float | Missing:
    if number == _NO_PROBE:
        return Missing("the circuit reports -1023: no probe connected")
    if not math.isfinite(number):
        return Missing(f"the circuit reports {number}")
    factor, offset = UNITS[quantity][unit]
    return number * factor.numerator / factor.denominator + offset


_PH = Output("PH", Channel("ph", Quantity.PH, Span(0, 14)), "pH")
_MG = Output("MG", Channel("dissolved_oxygen", Quantity.DISSOLVED_OXYGEN, Span(0, 100)), "mg/L")
_PERCENT = Output("%", Channel("saturation", Quantity.DISSOLVED_OXYGEN_SATURATION, Span(0, 400)), "%")
_EC = Output("EC", Channel("conductivity", Quantity.CONDUCTIVITY, Span(0, 500)), "µS/cm")
# The practical salinity scale is defined to 42.
_SALINITY = Output("S", Channel("salinity", Quantity.SALINITY, Span(0, 42)), "PSU")
# The circuit's own range depends on its probe; this is liquid water.
_TEMPERATURE = Output("T", Channel("temperature", Quantity.TEMPERATURE, Span(-5, 100)), "°C")

# Ranges: EZO-pH V5.8 (0.001 to 14.000), EZO-DO V4.1 (to 100 mg/L and 400 %), EZO-EC V1.6 (to 500,000 µS/cm). Zero is a
# value: water without oxygen must raise its alarm. Times: twice the nominal (pH circuits were seen to take 1.66 s).
EZO_PROFILES: Final = (
    EzoProfile("atlas-ezo-ph", "Atlas Scientific EZO-pH", (_PH,), 1.8),
    EzoProfile("atlas-ezo-do", "Atlas Scientific EZO-DO", (_MG, _PERCENT), 1.2, asks="O,?"),
    EzoProfile(
        "atlas-ezo-ec",
        "Atlas Scientific EZO-EC",
        (_EC, Output("TDS", None, ""), _SALINITY, Output("SG", None, "")),
        1.2,
        asks="O,?",
    ),
    EzoProfile("atlas-ezo-rtd", "Atlas Scientific EZO-RTD", (_TEMPERATURE,), 1.3, asks="S,?"),
)
