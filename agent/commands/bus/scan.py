"""`aqua-gateway bus scan`: find the devices on a line. It only reads, and never while the gateway owns the port."""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from agent import config
from agent.clock import SystemClock
from agent.commands.library import configured, models
from agent.config.buses import end_of
from agent.domain.errors import AquaError
from agent.domain.farm import BusSettings, Protocol, SerialLine
from agent.health import read_status
from agent.scan.ports import settings_of
from agent.scan.search import Found, Search
from agent.scan.tries import Line, Try, lines_of, tries
from agent.views.scan import configuration, headline, view
from drivers.probes.modbus_table import TableProfile

_REPLY_S = {Protocol.MODBUS_RTU: 0.2}
_REPLY_TCP_S = 0.5


def command(options: argparse.Namespace) -> int:
    """1 when nothing was found. Ctrl-C ends it early and shows what was found by then."""
    gateway = configured(options.config)
    settings = settings_of(options.port)
    if gateway is not None:
        must_be_free(gateway, settings)
    library = [model for model in models(gateway) if isinstance(model, TableProfile)]
    search = begun(settings, options.reply_s)
    complete = True
    try:
        complete = searched(search, library, options.units, options.bauds)
    finally:
        _tell(search, settings, "" if complete else "Stopped: not everything was asked. ")
    return 0 if search.found else 1


def begun(settings: BusSettings, reply_s: float | None = None) -> Search:
    return Search(settings, reply_s or _REPLY_S.get(settings.protocol, _REPLY_TCP_S), SystemClock())


def searched(
    search: Search, library: Sequence[TableProfile], units: Collection[int], bauds: Sequence[int] = ()
) -> bool:
    """Ask all of it, showing on standard error how far it is; False when Ctrl-C ended it early.

    Raises BusError when the port cannot be used.
    """
    lines: Sequence[Line | None] = [None]
    if isinstance(search.settings.port, SerialLine):
        lines = [line for line in lines_of(library) if not bauds or line.baud in bauds]
        lines = lines or [Line(baud, "N", 1) for baud in bauds]
    asked = tries(library, lines, units)
    try:
        with _progress(len(asked), search.found) as step:
            asyncio.run(_searched(search, asked, library, step))
    except KeyboardInterrupt:
        return False
    return True


async def _searched(
    search: Search, asked: Sequence[Try], library: Sequence[TableProfile], step: Callable[[Try], None]
) -> None:
    if await search.text_device() is None:  # a UART carries one device: nothing else can be on it
        await search.run(asked, library, step)


def must_be_free(gateway: config.Gateway, settings: BusSettings) -> None:
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
