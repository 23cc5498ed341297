"""Rows whose checksum is wrong: taken out, kept for inspection among the dead letters, and never believed."""

import json
import logging
import sqlite3
from collections.abc import Sequence
from typing import Any, TypeVar

from agent.store.checksum import is_whole, whole_readings
from agent.store.dead_letters import TABLE, DeadLetters

log = logging.getLogger(__name__)

AnyRow = TypeVar("AnyRow", bound=Sequence[Any])

BECAUSE = "its checksum is wrong: the disk or the memory changed a bit of it"


class Sieve:
    """Works inside its caller's transactions."""

    def __init__(self, connection: sqlite3.Connection, letters: DeadLetters) -> None:
        self._connection = connection
        self._letters = letters

    def whole(self, stream: str, rows: Sequence[AnyRow]) -> list[AnyRow]:
        """The rows of that stream that are as they were written; the others are taken out."""
        table = TABLE[stream]
        whole = whole_readings(rows) if table == "readings" else [row for row in rows if is_whole(table, row)]
        if len(whole) < len(rows):
            for row in rows:
                if row not in whole:
                    log.error("%s row %d in the ring buffer is damaged and set aside: %s", table, row[0], BECAUSE)
                    self._letters.keep("", stream, row[0], BECAUSE, json.dumps(row, default=repr))
                    self._connection.execute(f"DELETE FROM {table} WHERE seq = ?", (row[0],))
        return whole
