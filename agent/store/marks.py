"""Numbers that the ring buffer must remember about itself."""

import sqlite3

from agent.store.checksum import checksum

EVICTED = "evicted"
"""Readings up to this number have left; what a damaged file still has of them is not brought back."""

ROLLED_UP = "rolled up"
"""Readings up to this number are rolled up already."""

ROLLUPS_GIVEN = "roll-ups given"
"""Roll-ups had numbers up to this one in a damaged file, and may still come back with them."""


class Marks:
    """Works inside its caller's transactions."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def get(self, name: str) -> int:
        """0 if it was never put."""
        found = self._connection.execute("SELECT value FROM marks WHERE name = ?", (name,)).fetchone()
        return found[0] if found else 0

    def put(self, name: str, value: int) -> None:
        row = (name, value)
        self._connection.execute("REPLACE INTO marks VALUES (?, ?, ?)", (*row, checksum("marks", row)))
