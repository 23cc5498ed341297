"""Asking one question after the other on a line, and what was found by that."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, cast

from agent.domain.clock import Clock
from agent.domain.errors import BadReply, BusError, NoReply, ProbeError, Refused
from agent.domain.farm import BusSettings, Protocol, SerialLine
from agent.scan.identify import Candidate, candidates
from agent.scan.tries import Line, Try
from drivers.bus import make_bus
from drivers.interfaces import ModbusBus, TextBus
from drivers.probes.modbus_table import TableProfile

# Said by a gateway on the way, about a unit that is not there.
_NOBODY: Final = (10, 11)
_LONGEST_EXCHANGE = 40
_QUIET_S = 0.05
_IDENTITY_WITHIN_S = 1.0
_EVERYBODY = 8
# `?I,pH,2.16`, or `?i, D.O., 1.98`.
_CIRCUITS: Final = {"PH": "atlas-ezo-ph", "DO": "atlas-ezo-do", "EC": "atlas-ezo-ec", "RTD": "atlas-ezo-rtd"}


@dataclass(frozen=True, slots=True)
class Found:
    """A device that answered: `line` and `unit` (None for a text device on a UART), the names of the models that it may
    be, whether it says so itself, and what it said or shows.
    """

    line: Line | None
    unit: int | None
    models: tuple[str, ...] = ()
    proven: bool = False
    shows: str = ""


class Search:
    """What was `found` on the port of `settings`, where something answered that nobody understood (`garbled`), and
    which settings the port does not take (`refused`).
    """

    def __init__(self, settings: BusSettings, reply_s: float, clock: Clock) -> None:
        self.settings = settings
        self._reply_s = reply_s
        self._clock = clock
        self.found: list[Found] = []
        self.garbled: dict[tuple[Line | None, int], str] = {}
        self.refused: dict[Line, str] = {}
        self._asked: set[int] = set()

    async def run(self, tries: Sequence[Try], models: Sequence[TableProfile], step: Callable[[Try], None]) -> None:
        """Ask all of it; `step` hears of each question before. The port is closed however this ends.

        Raises BusError when the port cannot be used.
        """
        for line, asked in _by_line(tries):
            try:
                bus = await self._opened(line)
            except BusError as error:
                if line is None or len(self.refused) == len({one.line for one in tries}) - 1:
                    raise
                self.refused[line] = str(error)
                continue
            try:
                for one in asked:
                    step(one)
                    self._asked.add(one.unit)
                    if not self._known(line, one.unit) and await self._answers(bus, one):
                        self.found.append(_found(one, await candidates(bus, one.unit, models)))
                    if self._everybody_answers():
                        return
            finally:
                await bus.close()

    async def text_device(self) -> Found | None:
        """A circuit that tells its name when it is asked `I`, as Atlas Scientific's do, at their factory settings."""
        port = self.settings.port
        if not isinstance(port, SerialLine):
            return None
        settings = replace(self.settings, protocol=Protocol.SERIAL_TEXT, port=SerialLine(port.device))
        bus = make_bus(settings, self._clock)
        try:
            await bus.open()
            lines = await cast(TextBus, bus).ask("I", _IDENTITY_WITHIN_S)
        except ProbeError:
            return None
        finally:
            await bus.close()
        said = next((line for line in lines if line.upper().replace(" ", "").startswith("?I,")), None)
        if said is None:
            return None
        kind = re.sub(r"[^A-Z]", "", said.split(",")[1].upper())
        models = (_CIRCUITS[kind],) if kind in _CIRCUITS else ()
        self.found.append(Found(None, None, models, bool(models), said))
        return self.found[-1]

    async def _opened(self, line: Line | None) -> ModbusBus:
        """The bus at that setting, waiting no longer for an answer than its bytes and the device's thinking take."""
        settings = replace(self.settings, timeout_s=self._reply_s, quiet_s=_QUIET_S)
        if line is not None and isinstance(settings.port, SerialLine):
            port = replace(settings.port, baud=line.baud, parity=line.parity, stop_bits=line.stop_bits)
            settings = replace(settings, port=port, timeout_s=self._reply_s + 11 * _LONGEST_EXCHANGE / line.baud)
        bus = make_bus(settings, self._clock)
        try:
            await bus.open()
        except BusError:
            await bus.close()
            raise
        return cast(ModbusBus, bus)

    async def _answers(self, bus: ModbusBus, one: Try) -> bool:
        """Whether somebody answered; what was garbled is asked once more, a late answer to another question gone by."""
        for _ in range(2):
            try:
                await bus.read(one.unit, one.block.space, one.block.address, one.block.count)
            except NoReply:
                return False
            except Refused as refusal:
                return refusal.code not in _NOBODY
            except BadReply as error:
                self.garbled[one.line, one.unit] = str(error)
                await self._clock.sleep(2 * self._reply_s)
            else:
                self.garbled.pop((one.line, one.unit), None)
                return True
        return False

    def _known(self, line: Line | None, unit: int) -> bool:
        """Whether it was found already; most devices do not mind how many stop bits there are."""
        framing = line and line[:2]
        return any((found.line and found.line[:2], found.unit) == (framing, unit) for found in self.found)

    def _everybody_answers(self) -> bool:
        """A Modbus TCP device of its own often answers to every address: it is one device all the same."""
        everybody = len(self._asked) == len(self.found) >= _EVERYBODY
        if self.settings.protocol is not Protocol.MODBUS_TCP or not everybody:
            return False
        del self.found[1:]
        return True


def _found(one: Try, likely: Sequence[Candidate]) -> Found:
    if not likely:
        return Found(one.line, one.unit)
    first = likely[0]
    units = {channel.name: channel.quantity.unit for channel in first.model.channels}
    shows = [f"{what.replace('_', ' ')} {said}" for what, said in first.said.items()]
    shows += [f"{channel} {value:.4g} {units[channel]}" for channel, value in first.values.items()]
    names = tuple(candidate.model.name for candidate in likely)
    return Found(one.line, one.unit, names, first.proven, ", ".join(shows))


def _by_line(tries: Sequence[Try]) -> Iterator[tuple[Line | None, list[Try]]]:
    """Runs of questions at one setting: to change it the port must be opened anew."""
    run: list[Try] = []
    for one in tries:
        if run and one.line != run[0].line:
            yield run[0].line, run
            run = []
        run.append(one)
    if run:
        yield run[0].line, run
