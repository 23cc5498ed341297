"""`aqua-gateway bus faults`: the frames that went before each fault, as the flight recorder kept them."""

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from agent import config
from agent.commands.bus.trace import on_bus
from agent.domain.errors import AquaError
from agent.domain.farm import Protocol
from agent.flight_recorder import fault_files, from_json
from agent.views.bus import Trace, draw
from agent.views.tables import table


def command(options: argparse.Namespace) -> int:
    """The list of what there is, or the frames of the one with that number."""
    gateway = config.load(options.config)
    files = {int(file.name.partition("-")[0]): file for file in fault_files(gateway.faults_dir)}
    console = Console()
    if options.number is None:
        _list(files, console)
        return 0
    if options.number not in files:
        raise AquaError(f"there is no fault {options.number} in {gateway.faults_dir}: see `aqua-gateway bus faults`")
    head, *frames = _read(files[options.number])
    console.print(_title(head), soft_wrap=True)
    probes = on_bus(gateway, head["bus"])
    trace = Trace(Protocol(head["protocol"]), probes, head["at_us"], head["at_s"])
    for frame in frames:
        draw(console, trace.line(from_json(frame)), options.hex)
    return 0


def _list(files: dict[int, Path], console: Console) -> None:
    shown = table("Faults", "number", "time (UTC)", "bus", "what", right=("number",))
    for number, file in files.items():
        try:
            head = _read(file)[0]
        except AquaError as error:  # cut off by a power failure, perhaps; the others are as good as before
            shown.add_row(str(number), "", "", Text(str(error), "red"))
            continue
        shown.add_row(str(number), _time(head), head["bus"], Text(head["fault"]))
    console.print(shown if files else "No fault has been recorded.", soft_wrap=not console.is_terminal)


def _read(file: Path) -> list[dict[str, Any]]:
    """The head and the frames. Raises AquaError when that is none of the recorder's files, or cut off."""
    try:
        lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        if {"fault", "bus", "protocol", "at_us", "at_s", "clock_trusted"} <= lines[0].keys():
            return lines
    except (OSError, ValueError, IndexError, AttributeError) as error:
        raise AquaError(f"{file} cannot be read: {error}") from error
    raise AquaError(f"{file} cannot be read: it does not begin with a fault")


def _title(head: dict[str, Any]) -> Text:
    left_out = head.get("left_out_before", 0)
    more = f"\n{left_out} faults before it were not recorded: they came too fast" if left_out else ""
    return Text.assemble((head["fault"], "bold red"), f"\nbus {head['bus']}, {_time(head)} UTC", (more, "yellow"), "\n")


def _time(head: dict[str, Any]) -> str:
    time = f"{datetime.fromtimestamp(head['at_us'] / 1e6, UTC):%Y-%m-%d %H:%M:%S}"
    return time if head["clock_trusted"] else f"about {time}"
