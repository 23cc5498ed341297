"""`aqua-gateway probe read` for people: what came over the wire beside what it means."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from agent.domain.reading import Missing
from agent.probe_look import shown_unit
from agent.views.register import hexadecimal, number_in, table_of
from agent.views.tables import table
from drivers.decoding import Table
from drivers.interfaces import Profile, Space
from drivers.registers import Register

_OTHERS_IN_A_ROW = 2


def view(seen: Mapping[str, Any], profile: Profile, through: str) -> RenderableType:
    """`seen` is what `agent.probe_look.look` found; `through` says who asked."""
    title = Text.assemble((seen["probe"], "bold"), f", {seen['title']}")
    where = Text(f"on {seen['bus']}{shown_unit(seen['unit'])}, asked {through}", "dim")
    raw = _registers(seen, table_of(profile)) if any("space" in exchange for exchange in seen["exchanges"]) else []
    talk = _talk(seen) if any("command" in exchange for exchange in seen["exchanges"]) else []
    return Group(title, where, Text(), *raw, *talk, _values(seen["values"]), *_troubles(seen))


def _registers(seen: Mapping[str, Any], table_: Table) -> Iterator[RenderableType]:
    """Every register that came, in runs of one channel each."""
    shown = table("Registers (wire address, 0-based)", "address", "raw", "holds", "what", right=("holds",))
    for exchange in seen["exchanges"]:
        if "registers" not in exchange:
            continue
        space, begin, words = Space[exchange["space"].upper()], exchange["address"], exchange["registers"]
        for place, count, register in _runs(space, begin, len(words), table_.registers):
            here = words[place - begin : place - begin + count]
            number, told = ("", "") if register is None else _meaning(register, here, table_.orders)
            shown.add_row(f"{space.name.lower()} 0x{place:04X}", hexadecimal(here), number, Text(told))
    yield shown


def _meaning(register: Register, words: Sequence[int], orders: Sequence[str]) -> tuple[str, str]:
    """The number before conversion (unless only the whole answer tells the byte order), and what it is."""
    number = number_in(register, words)
    shown = "" if orders or isinstance(number, Missing) else f"{number:.6g}"
    order = " or ".join(orders) or register.place.order
    return shown, f"{register.channel}, {register.place.type} {order}"


def _runs(
    space: Space, begin: int, count: int, known: Sequence[Register]
) -> Iterator[tuple[int, int, Register | None]]:
    """Address, length and register of each stretch. What belongs to no channel comes in stretches of a few; a register
    that several channels read is shown for each.
    """
    end = begin + count
    inside = [one for one in known if one.place.space is space and begin <= one.place.address and one.place.end <= end]
    at = begin
    while at < end:
        here = [register for register in inside if register.place.address == at]
        for register in here:
            yield at, register.place.end - at, register
        after = max((register.place.end for register in here), default=at)
        if not here:
            after = min([end, at + _OTHERS_IN_A_ROW, *(one.place.address for one in inside if one.place.address > at)])
            yield at, after - at, None
        at = after


def _talk(seen: Mapping[str, Any]) -> Iterator[RenderableType]:
    shown = table("What was said", "asked", "answered")
    for exchange in seen["exchanges"]:
        if "command" in exchange:
            shown.add_row(Text(exchange["command"]), Text("  ".join(exchange.get("lines", ("—",)))))
    yield shown


def _values(values: Mapping[str, Any]) -> RenderableType:
    shown = table("Values", "channel", "value", "unit", "why", right=("value",))
    for channel, told in values.items():
        value = f"{told['value']:.3f}" if "value" in told else "—"
        shown.add_row(channel, value, told["unit"], Text(told.get("because", ""), "red"))
    return shown


def _troubles(seen: Mapping[str, Any]) -> Iterator[Text]:
    told = {value.get("because") for value in seen["values"].values()}
    for exchange in seen["exchanges"]:
        if exchange.get("error") and exchange["error"] not in told:
            yield Text(f"! {_asked(exchange)}: {exchange['error']}", "bold red")


def _asked(exchange: Mapping[str, Any]) -> str:
    if "space" not in exchange:
        return str(exchange["command"])
    return f"{exchange['space']} 0x{exchange['address']:04X} ×{exchange['count']}"
