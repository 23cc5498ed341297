"""The table `segments`, with its few rows kept in memory."""

import sqlite3
from dataclasses import dataclass

from agent.store.checksum import checksum, whole_rows

OPEN, SYNCHRONISED, CORRECTED, BOUNDED = ANY = range(4)
"""What `clock` says; see schema.sql."""


@dataclass(slots=True)
class Segment:
    """A row without its checksum; `offset_us` and `clock` change by `Segments.change` alone."""

    id: int
    boot_id: str
    from_ms: int
    not_before_us: int
    offset_us: int
    clock: int

    def row(self) -> tuple[int, str, int, int, int, int]:
        return self.id, self.boot_id, self.from_ms, self.not_before_us, self.offset_us, self.clock


class Segments:
    """Works inside its caller's transactions. Raises sqlite3.DatabaseError (SQLITE_CORRUPT) when a row is damaged."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._by_id: dict[int, Segment] = {}
        self._by_boot: dict[str, list[Segment]] = {}  # in the order of the boots
        for row in whole_rows(connection, "segments"):
            self._keep(Segment(*row))

    def __getitem__(self, segment: int) -> Segment:
        return self._by_id[segment]

    def __contains__(self, segment: int) -> bool:
        return segment in self._by_id

    def open(self) -> list[Segment]:
        """Those that can still change, oldest boot first."""
        return [segment for boot in self._by_boot.values() for segment in boot if segment.clock == OPEN]

    def last_boot(self, *clocks: int) -> str | None:
        """The newest boot with a segment of one of those kinds."""
        for boot_id, boot in reversed(self._by_boot.items()):
            if any(segment.clock in clocks for segment in boot):
                return boot_id
        return None

    def last(self, boot_id: str, *clocks: int) -> Segment | None:
        """The newest segment of one of those kinds in that boot."""
        return next((segment for segment in reversed(self._by_boot.get(boot_id, ())) if segment.clock in clocks), None)

    def first_after(self, boot_id: str) -> Segment | None:
        """The segment with which the boot after that one began."""
        boots = iter(self._by_boot)
        while next(boots) != boot_id:
            pass
        following = next(boots, None)
        return self._by_boot[following][0] if following else None

    def add(self, boot_id: str, from_ms: int, not_before_us: int, offset_us: int, clock: int) -> Segment:
        segment = Segment(max(self._by_id, default=0) + 1, boot_id, from_ms, not_before_us, offset_us, clock)
        self._keep(segment)
        row = segment.row()
        self._connection.execute("INSERT INTO segments VALUES (?, ?, ?, ?, ?, ?, ?)", (*row, checksum("segments", row)))
        return segment

    def _keep(self, segment: Segment) -> None:
        self._by_id[segment.id] = segment
        self._by_boot.setdefault(segment.boot_id, []).append(segment)

    def change(self, segment: Segment, offset_us: int, clock: int) -> None:
        segment.offset_us, segment.clock = offset_us, clock
        self._connection.execute(
            "UPDATE segments SET offset_us = ?, clock = ?, crc = ? WHERE id = ?",
            (offset_us, clock, checksum("segments", segment.row()), segment.id),
        )
