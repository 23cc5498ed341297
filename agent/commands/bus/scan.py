"""`aqua-gateway bus scan`: find the devices on a line. It only reads, and never while the gateway owns the port."""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from os.path import realpath
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from agent import config
from agent.clock import SystemClock
from agent.commands.library import configured, models
from agent.config.buses import end_of
from agent.domain.errors import AquaError
from agent.domain.farm import BusSettings, Protocol, SerialLine, TcpEndpoint
from agent.health import read_status
from agent.scan.search import Found, Search
from agent.scan.tries import Line, Try, lines_of, tries
from agent.scan_view import bus_name, configuration, headline, view
from drivers.probes.modbus_table import TableProfile

_PROTOCOLS = {"tcp": Protocol.MODBUS_TCP, "rtu-over-tcp": Protocol.MODBUS_RTU_OVER_TCP}
_REPLY_S = {Protocol.MODBUS_RTU: 0.2}
_REPLY_TCP_S = 0.5


def command(options: argparse.Namespace) -> int:
    """1 when nothing was found. Ctrl-C ends it early and shows what was found by then."""
    gateway = configured(options.config)
    settings = _settings(options.port)
    if gateway is not None:
        _must_be_free(gateway, settings)
    library = [model for model in models(gateway) if isinstance(model, TableProfile)]
    lines: Sequence[Line | None] = [None]
    if isinstance(settings.port, SerialLine):
        lines = [line for line in lines_of(library) if not options.bauds or line.baud in options.bauds]
        lines = lines or [Line(baud, "N", 1) for baud in options.bauds]
    asked = tries(library, lines, options.units)
    reply_s = options.reply_s or _REPLY_S.get(settings.protocol, _REPLY_TCP_S)
    search = Search(settings, reply_s, SystemClock())
    stopped = ""
    try:
        with _progress(len(asked), search.found) as step:
            asyncio.run(_searched(search, asked, library, step))
    except KeyboardInterrupt:
        stopped = "Stopped: not everything was asked. "
    finally:
        _tell(search, settings, stopped)
    return 0 if search.found else 1


async def _searched(
    search: Search, asked: Sequence[Try], library: Sequence[TableProfile], step: Callable[[Try], None]
) -> None:
    if await search.text_device() is None:  # a UART carries one device: nothing else can be on it
        await search.run(asked, library, step)


def _settings(port: str) -> BusSettings:
    """`/dev/ttyUSB0`, `tcp://host:502` or `rtu-over-tcp://host:port`. Raises AquaError."""
    scheme, separator, end = port.partition("://")
    if not separator:
        line = SerialLine(_lasting_name(port))
        return BusSettings(bus_name(SerialLine(port)), Protocol.MODBUS_RTU, line)
    host, _, number = end.rpartition(":")
    if scheme not in _PROTOCOLS or not host or not number.isdecimal():
        raise AquaError(f"{port} is no port: write /dev/ttyUSB0, tcp://HOST:502 or rtu-over-tcp://HOST:PORT")
    endpoint = TcpEndpoint(host.strip("[]"), int(number))
    return BusSettings(bus_name(endpoint), _PROTOCOLS[scheme], endpoint)


def _lasting_name(device: str) -> str:
    """The name below /dev/serial/by-id, which survives replugging, if it has one."""
    named = [str(link) for link in sorted(Path("/dev/serial/by-id").glob("*")) if realpath(link) == realpath(device)]
    return named[0] if named else device


def _must_be_free(gateway: config.Gateway, settings: BusSettings) -> None:
    """Raises AquaError when the running gateway owns the port."""
    status = read_status(gateway.status_file, time.time_ns() // 1000) or {}
    for bus in gateway.buses:
        if status.get("state") == "running" and end_of(bus.port) == end_of(settings.port):
            raise AquaError(
                f"the running gateway {gateway.gateway_id} owns that port (bus {bus.name}): stop it for the scan "
                f"(sudo systemctl stop aqua-gateway), or look on with `aqua-gateway bus trace {bus.name}`"
            )


@contextmanager
def _progress(total: int, found: Sequence[Found]) -> Iterator[Callable[[Try], None]]:
    """What is found, line by line, and on a terminal a bar below it; on standard error."""
    bar = Progress(
        BarColumn(20), TextColumn("{task.percentage:3.0f} %"), TimeRemainingColumn(), TextColumn("{task.description}"),
        console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty(),
    )  # fmt: skip
    with bar:
        task = bar.add_task("", total=total)

        told = 0

        def step(one: Try) -> None:
            nonlocal told
            for device in found[told:]:
                bar.console.print(headline(device))
            told = len(found)
            at = f"at {one.line}" if one.line else ""
            bar.update(task, advance=1, description=f"unit {one.unit} {at}")

        yield step


def _tell(search: Search, settings: BusSettings, stopped: str) -> None:
    console = Console()
    if stopped:
        print(stopped)
    if not (search.found or search.garbled or search.refused):
        print("Nothing answers. Is it powered, are A and B swapped, is the line terminated?")
        return
    console.print(view(search), soft_wrap=not console.is_terminal)
    if search.found:
        print("\nFor gateway.toml (choose names and tanks):\n")
        print(configuration(settings, search.found))
