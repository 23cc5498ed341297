"""What a damaged ring buffer can still tell of itself, found in one pass: the small tables, and how far it had come."""

from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from heapq import merge

from agent.store.salvage.catalog import tables
from agent.store.salvage.pages import last_row, rows_of
from agent.store.salvage.records import Row
from agent.store.salvage.wreck import Wreck

BULK = ("readings", "rollups")
"""Tables with a row a measurement: too many to keep in memory, and never changed once written."""

_NO_READING = (1 << 63) - 1
_SORTED_AT_ONCE = 200_000
_KEY = {"cursors": 2, "ahead": 2}  # columns, from the first one on; one in all other tables
_NEWER: Mapping[str, Callable[[Row, Row], bool]] = {
    "cursors": lambda one, other: one[2] > other[2],
    "ahead": lambda one, other: one[2] > other[2],
    "marks": lambda one, other: one[1] > other[1],
    # The same stretch of the same boot, with its offset settled.
    "segments": lambda one, other: one[5] != 0 == other[5] and one[1:3] == other[1:3],
}


@dataclass(frozen=True, slots=True)
class Survey:
    """`rows` are those of the small tables by the table's name, each ending with its checksum.

    `last` is the greatest `seq` of a whole row in `readings` and `rollups` (0 without any). `order` has the numbers of
    the file's pages in the order of their readings, those without any last. `unreadable` counts pages that the disk
    did not give, `size` the bytes of all files.
    """

    rows: Mapping[str, Sequence[Row]]
    last: Mapping[str, int]
    order: Sequence[int]
    unreadable: int
    size: int

    @property
    def first_free(self) -> int:
        """The least number for a new reading: greater than any that a reading had, as far as the rows tell."""
        rows = self.rows
        mentioned: list[int] = [
            self.last["readings"],
            *(seq for _, stream, seq, *_ in rows["cursors"] if stream == "readings"),
            *(upto_seq for _, _, upto_seq, _ in rows["ahead"]),
            *(last_seq for _, _, _, _, last_seq, *_ in rows["gaps"]),
            *(first_seq - 1 for _, _, first_seq, _ in rows["epochs"]),
        ]
        return 1 + max(mentioned)


def surveyed(wreck: Wreck) -> Survey:
    """Look at every page once. Raises StoreError when the files may not be read."""
    size, pages, finds = wreck.bytes_left, wreck.pages, _Finds()
    age = array("q", [_NO_READING]) * (max(pages, default=-1) + 1)
    for stretch in wreck.stretches():
        for number, image in wreck.images(stretch):
            newest = last_row(image)
            # Where the last row of a page is such a one, so are all others.
            found = [newest] if newest and newest[0] in BULK else rows_of(image, wreck.page).whole
            for table, row in found:
                finds.add(table, row, stretch.certain)
            if newest and newest[0] == "readings" and not stretch.in_log:
                age[number] = newest[1][0]
    # A part at a time: while it is sorted a page takes a hundred bytes, afterwards four.
    parts = (pages[begin : begin + _SORTED_AT_ONCE] for begin in range(0, len(pages), _SORTED_AT_ONCE))
    runs = [array("I", sorted(part, key=age.__getitem__)) for part in parts]
    order = array("I", merge(*runs, key=age.__getitem__))
    return Survey(finds.rows(), finds.last, order, wreck.unreadable, size)


class _Finds:
    """The best row of every key, and the greatest `seq` of the tables that are too big for that."""

    def __init__(self) -> None:
        self.last = dict.fromkeys(BULK, 0)
        self._certain: dict[str, dict[Row, Row]] = {table.name: {} for table in tables() if table.name not in BULK}
        self._doubtful: dict[str, dict[Row, Row]] = {name: {} for name in self._certain}

    def add(self, table: str, row: Row, certain: bool) -> None:
        if table in BULK:
            self.last[table] = max(self.last[table], row[0])
        else:
            rows, key = (self._certain if certain else self._doubtful)[table], row[: _KEY.get(table, 1)]
            # Of two that say the same, the later is from the log.
            if key not in rows or not _NEWER.get(table, _never)(rows[key], row):
                rows[key] = row

    def rows(self) -> dict[str, list[Row]]:
        """A doubtful row counts where there is no certain one; or when it settles a segment's offset, since a reading
        may have been delivered with that.
        """
        for key, row in self._doubtful["segments"].items():
            if key in self._certain["segments"] and _NEWER["segments"](row, self._certain["segments"][key]):
                self._certain["segments"][key] = row
        rows = {name: list({**self._doubtful[name], **rows}.values()) for name, rows in self._certain.items()}
        # Stale pages hold what was settled ahead of a cursor that has come past it since.
        settled = {sink: seq for sink, stream, seq, *_ in rows["cursors"] if stream == "readings"}
        rows["ahead"] = [row for row in rows["ahead"] if row[2] > settled.get(row[0], 0)]
        return rows


def _never(one: Row, other: Row) -> bool:
    return False
