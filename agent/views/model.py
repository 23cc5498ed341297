"""`aqua-gateway probes …`: probe models for people, and what it takes to read one."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from agent.domain.farm import BusSettings, Protocol
from agent.views.tables import table
from drivers.bus.timing import read_cost
from drivers.interfaces import Profile
from drivers.planning import plan
from drivers.probes.modbus_table import TableProfile


def facts(model: Profile) -> dict[str, Any]:
    """JSON-ready: `name`, `title`, `protocols`, `channels`, `line` (factory settings), `manual`, `verified` (how the
    byte order was made sure of) and `unverified` (what was taken on trust). What a model does not tell is empty.
    """
    told: dict[str, Any] = {
        "name": model.name,
        "title": model.title,
        "protocols": sorted(protocol.value for protocol in model.protocols),
        "channels": [
            {
                "name": channel.name,
                "sensor_type": channel.quantity.sensor_type,
                "unit": channel.quantity.unit,
                "span": None if channel.span is None else [channel.span.low, channel.span.high],
            }
            for channel in model.channels
        ],
        "line": "",
        # Those that are written in Python tell it there.
        "manual": getattr(model, "manual", ""),
        "verified": "",
        "unverified": list(getattr(model, "unverified", ())),
        "min_period_s": model.min_period_s,
    }
    if isinstance(model, TableProfile):
        serial = model.serial
        told["line"] = f"{serial.baud} {serial.data_bits}{serial.parity}{serial.stop_bits}, unit {model.unit}"
        told["manual"] = f"{model.manual}; {model.revision}" if model.revision else model.manual
        told["verified"] = model.byte_order_verified
    return told


def listed(models: Sequence[Mapping[str, Any]]) -> RenderableType:
    """A few lines a model, which wrap in a narrow window."""
    parts: list[RenderableType] = []
    for model in models:
        parts += [Text.assemble((model["name"], "bold"), f"  {model['title']}"), _details(model)]
    return Group(*parts, Text(f"{len(models)} models", "dim"))


def _details(model: Mapping[str, Any]) -> RenderableType:
    lines = Table.grid(padding=(0, 1, 0, 0))
    lines.add_column(no_wrap=True, style="dim")
    lines.add_column()
    for name, words, style in _lines(model):
        lines.add_row(f"  {name}", Text(words, style))
    return lines


def _lines(model: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    spoken = "Modbus" if Protocol.MODBUS_RTU.value in model["protocols"] else ", ".join(model["protocols"])
    yield "speaks", f"{spoken}, {model['line']}" if model["line"] else spoken, ""
    yield "channels", ", ".join(channel["name"] for channel in model["channels"]), ""
    if model["manual"]:
        yield "source", model["manual"], "dim"
    if model["verified"]:
        yield "verified", f"byte order: {model['verified']}", "dim"
    for doubt in model["unverified"]:
        yield "unverified", doubt, "yellow"


def checked(model: Profile) -> RenderableType:
    """What a right file comes to: its channels, and the requests that a reading takes."""
    shown = table("Channels", "channel", "sensor type", "unit", "from", "to", right=("from", "to"))
    for channel in model.channels:
        span = channel.span
        ends = ("", "") if span is None else (f"{span.low:g}", f"{span.high:g}")
        shown.add_row(channel.name, channel.quantity.sensor_type, channel.quantity.unit, *ends)
    return Group(shown, *(_requests(model) if isinstance(model, TableProfile) else ()))


def _requests(model: TableProfile) -> Iterator[RenderableType]:
    """The read plan at the model's factory settings, as the gateway will make it, and what it costs on the wire."""
    serial = model.serial
    cost = read_cost(BusSettings("", Protocol.MODBUS_RTU, serial))
    blocks = model.table.declared or plan(model.table.wanted, cost, model.manners)
    line = f"{serial.baud} {serial.data_bits}{serial.parity}{serial.stop_bits}"
    shown = table(f"Requests for a reading, at {line}", "registers", "count", "takes", right=("count", "takes"))
    for block in blocks:
        where = f"{block.space.name.lower()} 0x{block.address:04X} to 0x{block.end - 1:04X}"
        shown.add_row(where, str(block.count), _milliseconds(cost.of(block.count)))
    yield shown
    total_s = sum(cost.of(block.count) for block in blocks)
    words = f"A reading takes {_milliseconds(total_s)} of the line"
    if model.min_period_s:
        words += f"; the probe wants {model.min_period_s:g} s between two"
    yield Text(f"{words}.")


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
