"""The two protocols of the hardware side: a bus that asks, a driver that knows what to ask.

A bus carries one request at a time. It either returns an answer that fits the question, or raises `BusError` (the
port is the problem) or a `ProbeError` (the probe is); after a failure it keeps the line quiet for as long as a late
reply could take, so that no caller ever receives the answer to somebody else's question.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, runtime_checkable

from agent.domain.clock import Clock
from agent.domain.farm import Protocol as BusProtocol
from agent.domain.farm import Span, Unit
from agent.domain.quantity import Quantity
from agent.domain.reading import Missing


class Space(Enum):
    """The Modbus register table a read goes to, with its function code."""

    HOLDING = 3
    INPUT = 4


@dataclass(frozen=True, slots=True)
class Cost:
    """What a read takes on a line, in seconds: each request, and each register that it fetches."""

    request_s: float
    register_s: float

    def of(self, registers: int) -> float:
        """Seconds for one request of that many registers."""
        return self.request_s + registers * self.register_s


class Bus(Protocol):
    """What every bus can do. After an answer that failed, `quiet_s` is how long it asks nobody."""

    name: str
    quiet_s: float

    async def open(self) -> None:
        """Open the port. Raises BusError, naming the port. Harmless when already open."""

    async def close(self) -> None:
        """Release the port; harmless when already closed."""


class ModbusBus(Bus, Protocol):
    """A line that carries Modbus requests. `clock` is the time it goes by, `cost` what a read takes of it."""

    clock: Clock
    cost: Cost

    async def read(self, unit: int, space: Space, address: int, count: int) -> tuple[int, ...]:
        """`count` registers (1 to 125) from wire address `address`, each 0 to 65535.

        Raises BusError, NoReply, BadReply or Refused.
        """

    async def write(self, unit: int, address: int, registers: Sequence[int], single: bool = False) -> None:
        """Write up to 123 holding registers from wire address `address`, by function 16, or by function 6 when
        `single` (then exactly one). None at all is a frame that no standard knows, and some probes' order to start.

        Raises BusError, NoReply, BadReply or Refused; the write may have been carried out all the same.
        """


class TextBus(Bus, Protocol):
    """A line that carries commands and answers ended by a carriage return."""

    async def ask(self, command: str, answer_within_s: float) -> list[str]:
        """Send one command and return the non-empty answer lines up to and including the status line (`*OK`, `*ER`,
        …), or the first line when the device sends none. Raises BusError, NoReply or BadReply.
        """

    def owe(self, seconds: float) -> None:
        """Ask nothing for so long and the usual silence: what came was no answer, which may still be under way."""


class Sdi12Bus(Bus, Protocol):
    """A line that carries SDI-12 commands."""

    async def measure(self, address: str, command: str, longest_s: float) -> tuple[float, ...]:
        """Have the sensor carry out `command` (`M`, `MC`, `C1`, …) and return all values it gives.

        Raises BusError, NoReply or BadReply, the latter also when the sensor would take longer than `longest_s`.
        """


class OneWireBus(Bus, Protocol):
    """The kernel's 1-Wire line."""

    async def measure(self, device: str) -> str:
        """Have the kernel measure with `device` (`28-…`); the text of its file. Raises BusError or NoReply."""


class StreamBus(Bus, Protocol):
    """A line on which an instrument speaks by itself."""

    async def newest_line(self, wanted: Callable[[str], bool], max_age_s: float) -> str:
        """The newest line that is `wanted`, at most `max_age_s` old; so long it is waited for. No line is given twice.

        Raises BusError or NoReply.
        """


@dataclass(frozen=True, slots=True)
class Channel:
    """One quantity a probe model measures; `span` is the measuring range from the manual, canonical units."""

    name: str
    quantity: Quantity
    span: Span | None


class ProbeDriver(Protocol):
    """Knows how to ask one probe on one bus."""

    async def read(self) -> Mapping[str, float | Missing]:
        """A finite value in canonical units, or the reason why there is none, for every channel of the profile.

        Raises BusError or ProbeError when that holds for all of them.
        """


class Profile(Protocol):
    """A probe model: what the configuration can name, and the source of drivers for it."""

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def protocols(self) -> frozenset[BusProtocol]:
        """The kinds of bus it can be on."""

    @property
    def channels(self) -> tuple[Channel, ...]: ...

    @property
    def min_period_s(self) -> float:
        """Seconds that must lie between two readings; 0 where nobody tells."""

    def driver(self, bus: Bus, unit: Unit) -> ProbeDriver:
        """A driver for the device with address `unit` on `bus`."""


Source = Callable[[], float | Missing]
"""The newest value of another probe's sensor in canonical units, or why there is none that may be used."""


@runtime_checkable
class Compensated(Protocol):
    """A profile whose device computes with what other probes measure."""

    @property
    def compensated_by(self) -> tuple[Quantity, ...]: ...

    def compensated_driver(self, bus: Bus, unit: Unit, sources: Mapping[Quantity, Source]) -> ProbeDriver:
        """A driver that tells the device what `sources` say, as long as that may be used."""


@runtime_checkable
class TellsCondition(Protocol):
    """A driver that knows of its probe more than the values: how it is, and what it computes with."""

    @property
    def condition(self) -> Mapping[str, float | str]:
        """By name, with the unit in it; empty before the first reading."""
