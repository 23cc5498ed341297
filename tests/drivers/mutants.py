"""Everything that a slip of the pen can do to a probe model's file, one slip at a time."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from agent.domain.quantity import Quantity
from drivers.registers import ORDERS, TYPES
from drivers.units import UNITS

Content = dict[str, Any]


@dataclass(frozen=True)
class Mutant:
    """A profile's content with one slip: in the table at `path`, `key` became `found` (None: it is gone)."""

    path: tuple[str | int, ...]
    key: str
    found: object
    content: Content

    def __str__(self) -> str:
        return f"{'.'.join(map(str, self.path))} {self.key} = {self.found!r}"

    @property
    def table(self) -> Content:
        """The table in which it is, with the slip; empty when the whole table is gone."""
        table: Any = self.content
        for step in self.path:
            try:
                table = table[step]
            except (KeyError, IndexError):
                return {}
        return table if isinstance(table, dict) else {}


def mutants(content: Content) -> Iterator[Mutant]:
    """Each register's address, type, order, scale, unit, space and bits; bad values, requirements, codes, idle states,
    blocks, the order to measure, and who the device says it is.
    """
    yield from _byte_orders(content)
    for path, table in _tables(content):
        for key, found in _slips(path, table, content):
            mutated = deepcopy(content)
            place: Any = mutated
            for step in path:
                place = place[step]
            if found is None:
                place.pop(key)
            else:
                place[key] = found
            yield Mutant(path, key, found, mutated)
    yield from _lost_tables(content)


def _tables(content: Content) -> Iterator[tuple[tuple[str | int, ...], Content]]:
    for kind in ("channel", "require", "block", "idle"):
        for at, table in enumerate(content.get(kind, [])):
            yield (kind, at), table
            for inner, need in enumerate(table.get("require", [])):
                yield (kind, at, "require", inner), need
    for path, table in [(("start",), content.get("start")), *_identities(content)]:
        if table:
            yield path, table


def _identities(content: Content) -> list[tuple[tuple[str | int, ...], Content]]:
    return [(("identity", what), table) for what, table in content.get("identity", {}).items()]


def _slips(path: tuple[str | int, ...], table: Content, content: Content) -> Iterator[tuple[str, object]]:
    for key in ("address", "wait_ms_address"):
        if key in table:
            yield from ((key, table[key] + by) for by in (-2, -1, 1, 2))
    for key in ("count", "read"):
        if key in table:
            yield from ((key, table[key] + by) for by in (-1, 1))
    is_number = path[0] in ("channel", "require", "identity")
    if is_number:
        own = table.get("type", "uint16")
        yield from (("type", type_) for type_ in (*TYPES, "text", "version") if type_ != own)
        usual = content["byte_order"] if isinstance(content["byte_order"], str) else content["byte_order"][0]
        if isinstance(content["byte_order"], str) or "byte_order" in table:
            yield from (("byte_order", order) for order in ORDERS if order != table.get("byte_order", usual))
    if is_number or path[0] == "block":
        yield "space", "holding" if table.get("space") == "input" else "input"
    if path[0] == "channel" and len(path) == 2:
        yield from (("scale", table.get("scale", 1) * by) for by in (10, 0.1, -1))
        yield "offset", table.get("offset", 0) + 1
        yield from (("unit", unit) for unit in UNITS[Quantity.of(table["quantity"])] if unit != table["unit"])
    for key in ("bad", "channels"):
        yield from ((key, [x for x in table[key] if x != one]) for one in table.get(key, []))
    if "equals" in table:
        yield from (("equals", table["equals"] + by) for by in (-1, 1) if table["equals"] + by >= 0)
    yield from _bit_slips(table)
    if "codes" in table:
        yield from (("codes", {c: m for c, m in table["codes"].items() if c != code}) for code in table["codes"])
    if path == ("start",):
        yield from _order_slips(table)


def _bit_slips(table: Content) -> Iterator[tuple[str, object]]:
    if "bits" in table:
        bits = table["bits"]
        first, last = bits if isinstance(bits, list) else (bits, bits)
        yield "bits", None
        for ends in ((first - 1, last), (first + 1, last), (first, last - 1), (first, last + 1)):
            if 0 <= ends[0] <= ends[1]:
                yield "bits", list(ends)


def _order_slips(table: Content) -> Iterator[tuple[str, object]]:
    yield "once", not table.get("once", False)
    if "wait_ms_address" in table:
        yield "wait_ms_address", None
    if "write" in table:
        yield "single", not table.get("single", False)
        yield "write", [*table["write"], 0]
        yield from (("write", [register + by for register in table["write"]]) for by in (-1, 1) if table["write"])


def _byte_orders(content: Content) -> Iterator[Mutant]:
    now = content["byte_order"]
    others: list[object] = [order for order in ORDERS if order != now]
    for order in others:
        yield Mutant((), "byte_order", order, content | {"byte_order": order})


def _lost_tables(content: Content) -> Iterator[Mutant]:
    for kind in ("require", "idle"):
        for at in range(len(content.get(kind, []))):
            yield Mutant((kind, at), "lost", None, content | {kind: [*content[kind][:at], *content[kind][at + 1 :]]})
    for at, channel in enumerate(content["channel"]):
        for inner in range(len(channel.get("require", []))):
            mutated = deepcopy(content)
            del mutated["channel"][at]["require"][inner]
            yield Mutant(("channel", at, "require", inner), "lost", None, mutated)
    if "start" in content:
        yield Mutant(("start",), "lost", None, {key: table for key, table in content.items() if key != "start"})
