"""A checksum a row, since SQLite has none: a flipped bit in a value would pass for a measurement.

Every table ends with the column `crc`. It covers the table's name and all other columns, so a row found in a damaged
file also tells which table it belongs to.
"""

import sqlite3
from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import itemgetter
from struct import Struct, error
from typing import Any, TypeVar
from zlib import crc32

_CODES = {int: "q", float: "d"}
_USUAL = Struct("<qqqqdqdq").pack
_USUAL_KINDS = crc32(b"readings,int,int,int,int,float,int,float,int,NoneType")

Row = TypeVar("Row", bound=Sequence[Any])


def checksum(table: str, row: Sequence[Any]) -> int:
    """CRC-32 of the table's name and the row without its `crc`: whole numbers (64 bits), floats, text and None (no
    -0.0, which SQLite keeps as 0.0); from -2**31 on, since SQLite keeps that in four bytes.

    A row of numbers, as nearly every reading is, goes in as the names of its types and then the numbers, little-endian;
    one with text as Python's `repr` writes the tuple with the table's name first.
    """
    numbers = _numbers((table, *map(type, row)))
    if numbers is None:
        return _printed(table, row)
    kinds, pick, pack = numbers
    return crc32(pack(*pick(row)), kinds) - 0x8000_0000


def _printed(table: str, row: Sequence[Any]) -> int:
    return crc32(repr((table, *row)).encode("utf-8", "backslashreplace")) - 0x8000_0000


@lru_cache(maxsize=256)
def _numbers(key: tuple[Any, ...]) -> tuple[int, Callable[[Any], Any], Callable[..., bytes]] | None:
    """The CRC-32 of the table and its columns' types, which columns are not None, and how these are packed; None where
    not all of them are numbers.
    """
    table, *kinds = key
    columns = [column for column, kind in enumerate(kinds) if kind is not type(None)]
    if len(columns) < 2 or not all(kinds[column] in _CODES for column in columns):
        return None
    names = ",".join([table, *(kind.__name__ for kind in kinds)])
    codes = "".join(_CODES[kinds[column]] for column in columns)
    return crc32(names.encode()), itemgetter(*columns), Struct(f"<{codes}").pack


def is_whole(table: str, row: Sequence[Any]) -> bool:
    """Whether the row, its `crc` last, is as it was written: by this version, or by the first ones, which printed the
    numbers, too.
    """
    columns, crc = row[:-1], row[-1]
    return bool(checksum(table, columns) == crc or _printed(table, columns) == crc)


def whole_readings(rows: Sequence[Row]) -> list[Row]:
    """Those that `is_whole`, in a third of the time where they are of the usual kind: a value, tests, and no reason.

    An outage leaves millions to be looked at.
    """
    try:
        return [
            row
            for row in rows
            if (
                row[8] is None
                and row[7] is not None
                and type(row[4]) is type(row[6]) is float
                and crc32(_USUAL(*row[:8]), _USUAL_KINDS) - 0x8000_0000 == row[9]
            )
            or is_whole("readings", row)
        ]
    except (error, TypeError, OverflowError):  # a damaged one, of types that no reading has
        return [row for row in rows if is_whole("readings", row)]


def whole_rows(connection: sqlite3.Connection, table: str) -> list[tuple[Any, ...]]:
    """All rows of one of the small tables, in order and without their `crc`; for those without which nothing else can
    be understood. Raises sqlite3.DatabaseError (SQLITE_CORRUPT) if one is damaged: the salvage finds its second copy.
    """
    rows = connection.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()
    for row in rows:
        if not is_whole(table, row):
            raise damaged(f"the row {row[0]!r} of {table} does not match its checksum")
    return [row[:-1] for row in rows]


def damaged(what: str) -> sqlite3.DatabaseError:
    """The error that SQLite itself raises for a damaged file."""
    told = sqlite3.DatabaseError(what)
    told.sqlite_errorname = "SQLITE_CORRUPT"
    return told
