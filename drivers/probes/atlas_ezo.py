"""Atlas Scientific EZO circuits on a UART: pH, dissolved oxygen, conductivity, temperature (RTD).

Source: the circuits' data sheets, UART mode. 9600 8N1, commands and answers ended by a carriage return; a new circuit
streams a value every second. So at first contact, and again after a restart or a failure (the circuit may have been
swapped), the driver turns the status lines on and the streaming off, and asks which values the circuit is set to send:
the answer to `R` is a bare list in a fixed order (mg, % and EC, TDS, S, SG). After the first value, and now and then,
it hears why the circuit restarted last, and of a pH circuit how good its probe is. What other probes measure for it:
`ezo_compensation`.
"""

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

from agent.domain.errors import BadReply, BusError, ProbeError
from agent.domain.farm import Protocol, Span, Unit
from agent.domain.quantity import Quantity
from agent.domain.reading import Missing
from drivers.interfaces import Bus, Channel, ProbeDriver, Source, TextBus
from drivers.probes import ezo_answers as answers
from drivers.probes.ezo_compensation import Compensation
from drivers.units import UNITS

log = logging.getLogger(__name__)

_READ: Final = "R"
_SETTING_WITHIN_S: Final = 1.0  # nominally 0.3 s
_RESTARTED: Final = frozenset({"*RS", "*RE"})
_TRIES: Final = 3
_ASKED_AGAIN_AFTER: Final = 1000  # values: what a calibration changes is known within a quarter of an hour or a few
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
    compensated_by: tuple[Quantity, ...] = ()
    has_slope: bool = False
    protocols: frozenset[Protocol] = frozenset({Protocol.SERIAL_TEXT})
    min_period_s: float = 0.0

    @property
    def channels(self) -> tuple[Channel, ...]:
        return tuple(output.channel for output in self.outputs if output.channel is not None)

    def driver(self, bus: Bus, unit: Unit) -> ProbeDriver:
        return self.compensated_driver(bus, unit, {})

    def compensated_driver(self, bus: Bus, unit: Unit, sources: Mapping[Quantity, Source]) -> ProbeDriver:
        return EzoDriver(self, cast(TextBus, bus), sources)


class EzoDriver:
    """Asks one circuit."""

    def __init__(self, profile: EzoProfile, bus: TextBus, sources: Mapping[Quantity, Source]) -> None:
        self._profile = profile
        self._bus = bus
        self._compensation = Compensation(f"{profile.title} on {bus.name}", sources)
        self._state: dict[str, float | str] = {}
        self._sends: tuple[Output, ...] | None = None
        self._restarted = False
        self._tries = 0
        self._answers = 0
        self._scale = ""

    @property
    def condition(self) -> Mapping[str, float | str]:
        """`last_restart`, `supply_v`; of a pH circuit `acid_slope_percent`, `base_slope_percent`, `zero_offset_mv`; and
        `compensated_temperature`, `compensated_salinity` as the circuit says, with `…_trouble` when that is old.
        """
        return self._state | self._compensation.condition

    async def read(self) -> Mapping[str, float | Missing]:
        try:
            sends, lines = await self._asked()
            values = self._values(sends, lines)
        except (BusError, ProbeError) as error:
            self._sends = None
            if isinstance(error, BadReply):
                self._bus.owe(self._profile.answer_within_s)
            raise
        self._answers += 1
        if self._answers % _ASKED_AGAIN_AFTER == 0:
            self._tries = _TRIES
        if self._tries:
            await self._ask_how_it_is()
        return values

    async def _asked(self) -> tuple[tuple[Output, ...], list[str]]:
        """What the circuit sends, and what it sent."""
        if self._sends is None:
            self._sends = await self._introduced()
        lines = await self._compensated_answer()
        if self._restarted:
            self._sends = await self._introduced()
            log.warning("%s restarted", self)
            lines = await self._compensated_answer()
        return self._sends, lines

    async def _compensated_answer(self) -> list[str]:
        await self._compensation.adjust(self._ask)
        return await self._ask(_READ, self._profile.answer_within_s)

    async def _introduced(self) -> tuple[Output, ...]:
        """Settle the circuit; the outputs it will send."""
        await self._ask("*OK,1")
        self._restarted = False  # whatever it told so far was before this
        await self._ask("C,0")
        profile = self._profile
        sends = profile.outputs
        if profile.asks:
            lines = await self._ask(profile.asks)
            topic = profile.asks[0]
            said = answers.told(lines, topic)
            if said is None:
                raise BadReply(f"{self} answers {profile.asks} with {' '.join(lines)!r}")
            sends = self._told(topic, said)
        self._tries = _TRIES
        await self._compensation.introduce(self._ask)
        return sends

    async def _ask_how_it_is(self) -> None:
        """After each introduction and now and then; what fails costs no value and is tried again in the next turns."""
        self._tries -= 1
        try:
            state = answers.status(answers.told(await self._ask("Status"), "Status") or ())
            if self._profile.has_slope:
                state |= answers.slope(answers.told(await self._ask("Slope,?"), "Slope") or ())
        except (BusError, ProbeError):
            return
        self._state, self._tries = state, 0

    async def _ask(self, command: str, answer_within_s: float = _SETTING_WITHIN_S) -> list[str]:
        lines = await self._bus.ask(command, answer_within_s)
        self._restarted |= bool(_RESTARTED & {line.upper() for line in lines})
        return lines

    def __str__(self) -> str:
        return f"{self._profile.title} on {self._bus.name}"

    def _told(self, topic: str, words: list[str]) -> tuple[Output, ...]:
        if topic == "S":
            self._scale = _SCALES.get(words[0] if words else "", "")
            if not self._scale:
                raise BadReply(f"{self} has an unknown scale: {words}")
            return self._profile.outputs
        return tuple(output for output in self._profile.outputs if output.name in words)

    def _values(self, sends: tuple[Output, ...], lines: list[str]) -> dict[str, float | Missing]:
        told = " ".join(lines)
        if answers.refused(lines):
            raise BadReply(f"{self} refuses to read: {told!r}")
        said = {line for line in lines if not line.startswith("*")}
        if len(said) != 1:
            raise BadReply(f"{self} sent {'several values' if said else 'no value'}: {told!r}")
        (answer,) = said
        because = _NO_VALUE.get("".join(answers.words(answer)))
        if because:
            return {channel.name: Missing(because) for channel in self._profile.channels}
        numbers = answers.numbers(answer)
        if len(numbers) != len(sends):
            expected = ", ".join(output.name for output in sends)
            raise BadReply(f"{self} sent {answer!r} instead of {expected}")
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
    EzoProfile(
        "atlas-ezo-ph",
        "Atlas Scientific EZO-pH",
        (_PH,),
        1.8,
        compensated_by=(Quantity.TEMPERATURE,),
        has_slope=True,
    ),
    EzoProfile(
        "atlas-ezo-do",
        "Atlas Scientific EZO-DO",
        (_MG, _PERCENT),
        1.2,
        asks="O,?",
        compensated_by=(Quantity.TEMPERATURE, Quantity.SALINITY),
    ),
    EzoProfile(
        "atlas-ezo-ec",
        "Atlas Scientific EZO-EC",
        (_EC, Output("TDS", None, ""), _SALINITY, Output("SG", None, "")),
        1.2,
        asks="O,?",
        compensated_by=(Quantity.TEMPERATURE,),
    ),
    EzoProfile("atlas-ezo-rtd", "Atlas Scientific EZO-RTD", (_TEMPERATURE,), 1.3, asks="S,?"),
)
