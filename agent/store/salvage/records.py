"""How a row of our tables lies in SQLite's record format (sqlite.org/fileformat2.html, section 2.1).

A record begins with a header that names the type of every column. Rows of one kind share theirs, so what it means is
worked out once: a row then costs one look-up and one `unpack`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from operator import itemgetter
from struct import Struct
from typing import Any

from agent.store.salvage.catalog import Table, tables

Row = tuple[Any, ...]

SQLITES_OWN = ""
"""In place of a table's name: the record is no row of ours, but one that SQLite keeps for itself."""

_COLUMNS_OF_SQLITE_SCHEMA = 5
_ROWID, _NULL, _ZERO, _ONE, _REAL_ZERO, _REAL_ONE, _FIELDS = range(7)
_WITHOUT_FIELD = {
    ("INTEGER", 8): _ZERO, ("INTEGER", 9): _ONE, ("REAL", 8): _REAL_ZERO, ("REAL", 9): _REAL_ONE,
}  # fmt: skip
_NUMBERS = {1: "b", 2: "h", 3: "3s", 4: "i", 5: "6s", 6: "q"}

_integer = partial(int.from_bytes, byteorder="big", signed=True)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a row's columns lie in the `size` bytes behind its header; they belong to `table`."""

    table: str
    size: int
    _fields: Struct
    _pick: Callable[[Sequence[Any]], Row]
    _readers: tuple[tuple[int, Callable[[Any], Any]], ...]

    def row(self, rowid: int | None, data: bytes, at: int) -> Row:
        """The columns of the record whose header ends at that place. Raises struct.error or UnicodeDecodeError."""
        row = self._pick((rowid, None, 0, 1, 0.0, 1.0, *self._fields.unpack_from(data, at)))
        if not self._readers:
            return row
        columns = list(row)
        for column, read in self._readers:
            columns[column] = read(columns[column])
        return tuple(columns)


@lru_cache(maxsize=4096)
def layout_of(header: bytes, in_index: bool) -> Layout | None:
    """The layout of records with that header, or None where neither our tables nor SQLite would have written it.

    Raises IndexError for a header that ends too soon.
    """
    serials, at = [], 1
    while at < len(header):
        serial, at = varint(header, at)
        serials.append(serial)
    ours = [table for table in tables() if len(table.types) == len(serials) and (table.copied or not in_index)]
    for table in ours:
        layout = _fitted(table, serials, in_index)
        if layout is not None:
            return layout
    if len(serials) == _COLUMNS_OF_SQLITE_SCHEMA or (in_index and not ours):
        size = sum(_bytes(serial) for serial in serials)
        return Layout(SQLITES_OWN, size, Struct(""), itemgetter(_ROWID, _NULL), ())
    return None


def varint(data: bytes, at: int) -> tuple[int, int]:
    """SQLite's integer of variable length (unsigned, 1 to 9 bytes), and the place after it. Raises IndexError."""
    value = 0
    for place in range(at, at + 8):
        byte = data[place]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + 1
    return value << 8 | data[at + 8], at + 9


def _fitted(table: Table, serials: Sequence[int], in_index: bool) -> Layout | None:
    """The layout, if every serial type is one in which SQLite stores the declared type of its column."""
    order = list(range(len(serials)))
    if in_index and table.key is not None:
        order.append(order.pop(table.key))
    slots, codes, readers = [_NULL] * len(order), [">"], []
    for serial, column in zip(serials, order, strict=True):
        kind = table.types[column]
        if column == table.key and not in_index:
            if serial != 0:
                return None
            slots[column] = _ROWID
        elif serial == 0:
            slots[column] = _NULL
        elif (kind, serial) in _WITHOUT_FIELD:
            slots[column] = _WITHOUT_FIELD[kind, serial]
        else:
            field = _field(kind, serial)
            if field is None:
                return None
            code, read = field
            slots[column] = _FIELDS + len(codes) - 1
            codes.append(code)
            if read is not None:
                readers.append((column, read))
    fields = Struct("".join(codes))
    return Layout(table.name, fields.size, fields, itemgetter(*slots), tuple(readers))


def _field(kind: str, serial: int) -> tuple[str, Callable[[Any], Any] | None] | None:
    """Struct's code for the field, and what makes a value of it where Struct alone does not."""
    if kind == "TEXT":
        return (f"{_bytes(serial)}s", bytes.decode) if serial >= 13 and serial % 2 else None
    if kind == "REAL" and serial == 7:
        return "d", None
    if serial not in _NUMBERS:
        return None
    # SQLite stores a float without fraction as an integer.
    code, real = _NUMBERS[serial], kind == "REAL"
    if code.endswith("s"):
        return code, (lambda data: float(_integer(data))) if real else _integer
    return code, float if real else None


def _bytes(serial: int) -> int:
    return (serial - 12) // 2 if serial >= 12 else (0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0)[serial]
