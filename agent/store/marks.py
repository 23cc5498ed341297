"""Numbers that the ring buffer must remember about itself."""

import sqlite3

from agent.store.checksum import checksum


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
