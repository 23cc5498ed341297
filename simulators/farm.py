"""A farm that runs: ponds, lines and twins from one file, and beside them a broker and an ingest endpoint if wanted."""

import asyncio
import contextlib
from types import TracebackType
from typing import Self

from simulators.broker import Broker
from simulators.clock import Clock
from simulators.farm_file import FarmError, FarmFile, LineTable, PondTable, TwinTable, load
from simulators.faults import Faults
from simulators.ingest import IngestServer
from simulators.lines import Line, PtyLine, Sdi12Line, TcpLine, TextLine, W1Folder
from simulators.pond import Pond, WaterSource
from simulators.probe import Senses, perfect
from simulators.recording import Recording
from simulators.schedule import Window
from simulators.twins import TWINS, Twin
from simulators.twins.ds18b20 import Ds18b20Twin
from simulators.twins.ezo import EzoTwin
from simulators.twins.generic import GenericSonde
from simulators.twins.modbus import ModbusTwin
from simulators.twins.nmea_mtw import NmeaMtw
from simulators.twins.sdi12 import Sdi12Twin
from simulators.twins.units import unit_of

__all__ = ["Farm", "FarmError", "load"]
_LINE_FAULT_TICK_S = 0.05


class Farm:
    """`async with Farm(load(path)) as farm:` serves until the block ends; the clock starts with it.

    Raises OSError when a port or a link is taken, and FarmError when a recording cannot be read. A test may give a
    clock of its own.
    """

    def __init__(self, file: FarmFile, clock: Clock | None = None) -> None:
        self.file = file
        self.clock = clock or Clock(file.speed)
        self.broker = Broker(file.broker.port) if file.broker else None
        self.ingest = IngestServer(file.ingest.port, file.ingest.api_key) if file.ingest else None
        self._ponds = {table.name: self._make_pond(table, place) for place, table in enumerate(file.ponds)}
        self._twins = {table.name: self._make_twin(table) for table in file.twins}
        self._lines = {name: self._make_line(name, table) for name, table in file.lines.items()}
        self._open = contextlib.AsyncExitStack()

    def pond(self, name: str) -> Pond:
        """A pond with physics; KeyError when there is none of that name."""
        pond = self._ponds[name]
        if not isinstance(pond, Pond):
            raise KeyError(f"{name} is a recording")
        return pond

    def water(self, name: str) -> WaterSource:
        """A pond or a recording."""
        return self._ponds[name]

    def twin(self, name: str) -> Twin:
        return self._twins[name]

    def line(self, name: str) -> Line:
        return self._lines[name]

    def port(self, name: str) -> int:
        """The TCP port of a line, the one taken where the file says 0."""
        line = self._lines[name]
        if not isinstance(line, TcpLine):
            raise KeyError(f"{name} is no TCP line")
        return line.port

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as opening:
            if self.broker:
                await opening.enter_async_context(self.broker)
            if self.ingest:
                opening.enter_context(self.ingest)
            for line in self._lines.values():
                await line.plug()
                opening.push_async_callback(line.unplug)
            for name, line in self._lines.items():
                if windows := [when.window() for when in self.file.lines[name].unplugged]:
                    task = asyncio.create_task(self._unplug_and_plug(line, windows))
                    opening.push_async_callback(_cancelled, task)
            self._open = opening.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.aclose()

    async def _unplug_and_plug(self, line: Line, windows: list[Window]) -> None:
        while True:
            gone = any(window.holds(self.clock.real_s) for window in windows)
            await (line.unplug() if gone else line.plug())
            await asyncio.sleep(_LINE_FAULT_TICK_S)

    def _make_pond(self, table: PondTable, place: int) -> WaterSource:
        if table.recording is not None:
            try:
                return Recording(self.file.folder / table.recording, table.repeat)
            except (OSError, ValueError) as error:
                raise FarmError(f"ponds.{table.name}.recording: {error}") from error
        failures = [when.window().scaled(self.file.speed) for when in table.aeration_failures]
        return Pond(table.settings, self.file.seed + place, failures)

    def _make_twin(self, table: TwinTable) -> Twin:
        kind = TWINS[table.model]
        source = self._ponds[table.pond]
        channels = dict(kind.channels)
        if isinstance(source, Recording):
            channels = {name: perfect(sense) for name, sense in channels.items()}
        faults = Faults(lambda: self.clock.real_s, [fault.fault() for fault in table.faults])
        senses = Senses(channels, source, self.clock, faults, f"{self.file.seed}/{table.name}")
        if issubclass(kind, EzoTwin | NmeaMtw):
            return kind(senses, table.name)
        if issubclass(kind, Sdi12Twin | Ds18b20Twin):
            return kind(senses, str(unit_of(table.model, table.unit)), table.name)
        unit = int(unit_of(table.model, table.unit))
        if issubclass(kind, GenericSonde):
            return kind(senses, unit, table.name, table.sensors or 6)
        return kind(senses, unit, table.name)

    def _make_line(self, name: str, table: LineTable) -> Line:
        mine = [self._twins[twin.name] for twin in self.file.twins if twin.line == name]
        modbus = [twin for twin in mine if isinstance(twin, ModbusTwin)]
        if table.folder is not None:
            return W1Folder(self.file.folder / table.folder, [twin for twin in mine if isinstance(twin, Ds18b20Twin)])
        if table.pty is None:
            return TcpLine(table.tcp or 0, modbus, table.framing or "tcp", table.reply_s)
        link = self.file.folder / table.pty
        for twin in mine:
            if isinstance(twin, EzoTwin | NmeaMtw):
                return TextLine(link, twin)
        if sdi12 := [twin for twin in mine if isinstance(twin, Sdi12Twin)]:
            return Sdi12Line(link, sdi12, table.baud)
        return PtyLine(link, modbus, table.baud, table.reply_s)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
