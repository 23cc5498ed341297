"""Rows out of raw pages of a SQLite file (sqlite.org/fileformat2.html, section 1.6), where SQLite itself gives up.

Nothing in a page is believed: a cell counts when it fits a table of the schema to the byte, and its row when its
checksum is right. So a page can be anything, and a damaged one still yields its good rows.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from struct import error, unpack_from

from agent.store.checksum import is_whole
from agent.store.salvage.records import SQLITES_OWN, Row, layout_of, varint

FIRST_PAGE = b"SQLite format 3\0"
"""What the first page begins with; in its header the size of a page comes next. SQLite keeps the schema there, and
nothing of ours.
"""

UNKNOWN = "?"
"""In place of the name of a table that cannot be told."""

PageOf = Callable[[int], bytes | None]

_INDEX_INTERIOR, _TABLE_INTERIOR, _INDEX_LEAF, _TABLE_LEAF = 0x02, 0x05, 0x0A, 0x0D
_HEADER = {_INDEX_INTERIOR: 12, _INDEX_LEAF: 8, _TABLE_LEAF: 8}
_NO_CELLS = (0, _TABLE_INTERIOR)  # a page that is free, goes on with a long row, or was wiped, begins with 0
_SHORTEST = 12  # bytes that can hold the header of a page
_MOST_BYTES = 1 << 20  # of a row; a longer one is not ours


@dataclass(slots=True)
class Rows:
    """What a page holds: whole rows, each with the name of its table, and how many cells are damaged, by table.

    Cells that do not even tell their table count under UNKNOWN, a page that is none as one of them.
    """

    whole: list[tuple[str, Row]] = field(default_factory=list)
    damaged: Counter[str] = field(default_factory=Counter)


def nowhere(number: int) -> None:
    """Instead of other pages, where there are none."""


def rows_of(page: bytes, page_of: PageOf = nowhere) -> Rows:
    """All rows of a page image; `page_of` gives other pages by their number, for rows too long for one page."""
    found = Rows()
    if len(page) < _SHORTEST:
        return found
    if page[0] not in _HEADER:
        if page[0] not in _NO_CELLS and not page.startswith(FIRST_PAGE):
            found.damaged[UNKNOWN] += 1
        return found
    places = _places(page)
    if twice := len(places) - len(set(places)):
        found.damaged[UNKNOWN] += twice
    for place in places:
        table, row = _cell(page, place, page_of)
        if row is not None and is_whole(table, row):
            found.whole.append((table, row))
        elif table != SQLITES_OWN:
            found.damaged[table] += 1
    return found


def last_row(page: bytes) -> tuple[str, Row] | None:
    """Table and row of the greatest key in a table's page that looks sound; None where only `rows_of` can tell."""
    if len(page) < _SHORTEST or page[0] != _TABLE_LEAF:
        return None
    places = _places(page)
    if not places or len(set(places)) < len(places):
        return None
    table, row = _cell(page, places[-1], nowhere)
    return (table, row) if row is not None and is_whole(table, row) else None


def likely_size(pieces: Sequence[bytes], sizes: Sequence[int]) -> int:
    """Of these sizes of a page, the one with which pieces of a file, each of some pages, hold the most rows."""

    def rows(size: int) -> int:
        return sum(len(rows_of(piece[at : at + size]).whole) for piece in pieces for at in range(0, len(piece), size))

    return max(sizes, key=rows)


def _places(page: bytes) -> Sequence[int]:
    """Where the cells of the page begin, as far as it says."""
    begin = _HEADER[page[0]]
    count = min(int.from_bytes(page[3:5], "big"), (len(page) - begin) // 2)
    return unpack_from(f">{count}H", page, begin)


def _cell(page: bytes, at: int, page_of: PageOf) -> tuple[str, Row | None]:
    """Table and row of the cell at that place, as far as its form is right; the row's checksum is not looked at."""
    table, rowid = UNKNOWN, None
    try:
        kind = page[0]
        if kind == _INDEX_INTERIOR:
            at += 4
        size, at = varint(page, at)
        if kind == _TABLE_LEAF:
            rowid, at = varint(page, at)
        begin = at + page[at]
        layout = layout_of(page[at:begin], kind != _TABLE_LEAF)
        if layout is None or begin - at + layout.size != size:
            return table, None
        table = layout.table
        if size > len(page) // 5 and (here := _bytes_here(size, kind, len(page))) < size:
            page, begin = _joined(page, at, here, size, page_of), begin - at
        return table, layout.row(rowid, page, begin)
    except (IndexError, error, UnicodeDecodeError):
        return table, None


def _bytes_here(size: int, kind: int, page: int) -> int:
    """How much of a payload of that size is on the page itself, which has so many bytes."""
    most = page - 35 if kind == _TABLE_LEAF else (page - 12) * 64 // 255 - 23
    least = (page - 12) * 32 // 255 - 23
    here = least + (size - least) % (page - 4)
    return size if size <= most else here if here <= most else least


def _joined(page: bytes, at: int, here: int, size: int, page_of: PageOf) -> bytes:
    """A payload put together from its overflow pages. Raises IndexError where the chain breaks."""
    if size > _MOST_BYTES:
        raise IndexError(size)
    payload, (number,) = page[at : at + here], unpack_from(">I", page, at + here)
    while len(payload) < size:
        following = page_of(number) if number else None
        if following is None or len(following) < len(page):
            raise IndexError(number)
        (number,) = unpack_from(">I", following)
        payload += following[4 : 4 + size - len(payload)]
    return payload
