"""What `aqua-gateway bus scan` found, for people: a list, and lines to paste into gateway.toml."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from agent.domain.farm import BusSettings, Folder, Protocol, SerialLine
from agent.scan.search import Found, Search
from agent.scan.tries import Line
from agent.setup.draft import bus_toml


def view(search: Search) -> RenderableType:
    """The devices, and what else is to be known of the line."""
    shown = Table.grid(padding=(0, 2, 0, 0))
    shown.add_column(no_wrap=True)
    shown.add_column()
    for one in search.found:
        shown.add_row(Text(_where(one), "bold"), Text(_model(one), _style(one)))
        for more in (str(one.line or ""), one.shows):
            if more:
                shown.add_row("", Text(more, "dim"))
    title = Text(f"{len(search.found)} device{'' if len(search.found) == 1 else 's'} found", "bold")
    return Group(title, shown, *_notes(search))


def headline(one: Found) -> Text:
    """One device in a line."""
    return Text.assemble((_where(one), "bold"), f" at {one.line}: " if one.line else ": ", (_model(one), _style(one)))


def _where(one: Found) -> str:
    return f"unit {one.unit}" if one.unit is not None else "UART"


def _style(one: Found) -> str:
    return "green" if one.proven else "" if one.models else "yellow"


def _model(one: Found) -> str:
    if not one.models:
        return "answers, but as no model of the library"
    if one.proven:
        return f"{one.models[0]}, as it says itself"
    return " or ".join(one.models) + ", by its values: check the label"


def _notes(search: Search) -> Iterator[Text]:
    for (line, unit), because in search.garbled.items():
        yield Text(f"! unit {unit}{f' at {line}' if line else ''} answers, but not properly: {because}", "yellow")
    if search.garbled:
        yield Text("  Two devices with one address, another parity, or a bad cable look like that.", "dim")
    for line, because in search.refused.items():
        yield Text(f"! not asked at {line}: {because}", "yellow")


def configuration(settings: BusSettings, found: Sequence[Found]) -> str:
    """Buses and probes as TOML. A line has one setting: the devices at others are comments."""
    lines = [one.line for one in found]
    line = max(lines, key=lines.count)
    parts = [*_bus(settings, line, text=any(one.unit is None for one in found))]
    for number, one in enumerate((one for one in found if one.line == line), 1):
        parts += ["", *_probe(settings.name, number, one)]
    parts += [
        f"# unit {one.unit} answers at {one.line}: set it to {line} before it can share this line"
        for one in found
        if one.line != line
    ]
    return "\n".join(parts)


def _bus(settings: BusSettings, line: Line | None, text: bool) -> Iterator[str]:
    port = settings.port
    if isinstance(port, SerialLine) and line is not None:
        port = replace(port, baud=line.baud, parity=line.parity, stop_bits=line.stop_bits)
    assert not isinstance(port, Folder)  # noqa: S101 - nobody scans the kernel's line
    yield from bus_toml(settings.name, Protocol.SERIAL_TEXT if text else settings.protocol, port)


def _probe(bus: str, number: int, one: Found) -> Iterator[str]:
    """A comment as a whole where the model is not known."""
    lead = "" if one.models else "# "
    if not one.models:
        yield f"# Unit {one.unit} is of no model of the library; the README says how to add one."
    yield f"{lead}[[probes]]"
    yield f'{lead}name = "probe-{number}"'
    yield f'{lead}tank = "tank-1"'
    yield f'{lead}bus = "{bus}"'
    doubt = "" if one.proven or not one.models else "  # by its values" + "".join(f", or {n}" for n in one.models[1:])
    yield f'{lead}profile = "{one.models[0] if one.models else "…"}"{doubt}'
    if one.unit is not None:
        yield f"{lead}unit = {one.unit}"
