"""Reading every row there is: whether it is as it was written, refers to what is there, and lacks no neighbour."""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from agent.domain.errors import StoreError
from agent.store.checksum import is_whole
from agent.store.inspection.holes import Hole, unexplained
from agent.store.inspection.reader import Reader

_PAGE = 5_000
_FIRST = 10
_MOST_HOLES = 10_000
_BEFORE_ALL = -(2**63)

_NUMBERED = ("epochs", "sensors", "segments", "readings", "rollups", "alarm_log", "gaps", "dead_letters")
"""Read in pages, by the number in their first column."""
_SMALL = {"cursors": 2, "ahead": 2, "marks": 1, "learnt": 2}
"""A few rows each; so many columns are their key."""
_COPIED = ("epochs", "sensors", "segments")
"""Their index is a copy of the whole row."""
_REFERS = {
    "readings": ((1, "sensors"), (2, "segments")),
    "rollups": ((1, "sensors"),),
    "alarm_log": ((1, "sensors"), (11, "segments")),
    "gaps": ((1, "epochs"),),
}
"""Which column holds a number in which other table."""

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Damaged:
    """A row, by table and key, that cannot be believed."""

    table: str
    key: str
    because: str


@dataclass(slots=True)
class Verified:
    """`rows` read of each table; how many of them are `damaged`, and the `first` of those; the tables that are
    `unreadable` from somewhere on, with SQLite's reason; `holes` between readings that nothing explains.
    """

    rows: dict[str, int] = field(default_factory=dict)
    damaged: dict[str, int] = field(default_factory=dict)
    first: list[Damaged] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    holes: Sequence[Hole] = ()

    @property
    def well(self) -> bool:
        return not (any(self.damaged.values()) or self.unreadable or self.holes)


def verify(reader: Reader, tell: Callable[[int], None] = lambda rows: None) -> Verified:
    """Look at every row. `tell` hears how many rows of a page were looked at. The gateway may go on meanwhile: what
    comes, goes or is delivered during the look is no damage.
    """
    look = _Look(reader, tell)
    for table in _NUMBERED:
        look.at_pages(table)
    for table, columns in _SMALL.items():
        look.at_all(table, f"SELECT * FROM {table}", columns)
    for table in _COPIED:
        names = ", ".join(reader.columns(table))
        look.at_all(f"{table} (copy)", f"SELECT {names} FROM {table} INDEXED BY {table}_copy", 1)
    try:
        look.found.holes = unexplained(reader, look.holes)
    except StoreError as error:
        look.found.unreadable["what explains missing readings"] = f": {error}"
    return look.found


class _Look:
    """What was found so far; `holes` are numbers missing between readings, explained or not."""

    def __init__(self, reader: Reader, tell: Callable[[int], None]) -> None:
        self._reader = reader
        self._tell = tell
        self._known: dict[str, set[int]] = {"epochs": set(), "sensors": set(), "segments": set()}
        self.found = Verified()
        self.holes: list[tuple[int, int]] = []

    def at_pages(self, table: str) -> None:
        """A page a question, so that none holds up the folding back of the write-ahead log; smaller ones to get as near
        as possible to what cannot be read.
        """
        key = "seq" if table not in (*_COPIED, "dead_letters") else "id"
        ask = f"SELECT * FROM {table} WHERE {key} > ? ORDER BY {key} LIMIT ?"
        after, limit = None, _PAGE
        while limit:
            page = self._page(table, ask, _BEFORE_ALL if after is None else after, limit)
            if table in self.found.unreadable:
                limit //= 2
                continue
            if not page:
                return
            self._judge(table, page, 1)
            if table == "readings":
                self._find_holes(page, after)
            after = page[-1][0]

    def at_all(self, name: str, ask: str, key_columns: int) -> None:
        self._judge(name, self._page(name, ask), key_columns)

    def _page(self, name: str, ask: str, *values: int) -> list[Row]:
        """Empty at the end, and when it cannot be read."""
        self.found.unreadable.pop(name, None)
        try:
            page = self._reader.connection.execute(ask, values).fetchall()
        except sqlite3.Error as error:
            behind = f"behind number {values[0]}" if values and values[0] > _BEFORE_ALL else "at all"
            self.found.unreadable[name] = f"{behind}: {error}"
            page = []
        self.found.rows[name] = self.found.rows.get(name, 0) + len(page)
        self._tell(len(page))
        return page

    def _judge(self, name: str, page: list[Row], key_columns: int) -> None:
        table = name.removesuffix(" (copy)")
        refers = _REFERS.get(table, ())
        for row in page:
            if not is_whole(table, row):
                self._damaged(name, row[:key_columns], "its checksum is wrong")
                continue
            for column, other in refers:
                if row[column] not in self._known[other] and not self._is_there(other, row[column]):
                    self._damaged(name, row[:key_columns], f"there is no number {row[column]} in {other}")
                    break

    def _is_there(self, other: str, number: int) -> bool:
        """Asked for when first met: it may be newer than the beginning of the look."""
        try:
            there = bool(self._reader.rows(f"SELECT 1 FROM {other} WHERE id = ?", number))
        except StoreError:
            return True  # that the other table cannot be read is told already
        if there:
            self._known[other].add(number)
        return there

    def _damaged(self, name: str, key: Row, because: str) -> None:
        self.found.damaged[name] = self.found.damaged.get(name, 0) + 1
        if len(self.found.first) < _FIRST:
            self.found.first.append(Damaged(name, "/".join(str(part) for part in key), because))

    def _find_holes(self, page: list[Row], after: int | None) -> None:
        before = page[0][0] - 1 if after is None else after
        for row in page:
            if row[0] != before + 1 and len(self.holes) < _MOST_HOLES:
                self.holes.append((before + 1, row[0] - 1))
            before = row[0]
