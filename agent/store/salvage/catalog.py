"""What the schema says of its tables, for those who must do without SQLite to read them."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from functools import cache

from agent.store.database import schema, second_copies


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose rows end with their checksum.

    `types` are the declared types (INTEGER, REAL, TEXT) by column. `key` is the column that stands in for the rowid, if
    there is one. `copied` says that an index holds whole rows: every column but the key, and then the rowid.
    """

    name: str
    columns: tuple[str, ...]
    types: tuple[str, ...]
    key: int | None
    copied: bool


@cache
def tables() -> tuple[Table, ...]:
    """All tables of schema.sql."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(schema() + second_copies())
        names = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY rowid").fetchall()
        return tuple(_table(connection, name) for (name,) in names)


def _table(connection: sqlite3.Connection, name: str) -> Table:
    described = connection.execute(f"PRAGMA table_info({name})").fetchall()
    columns, types, keys = zip(*((column, kind, key) for _, column, kind, _, _, key in described), strict=True)
    key = keys.index(1) if sum(keys) == 1 and types[keys.index(1)] == "INTEGER" else None
    created = [index for _, index, _, origin, _ in connection.execute(f"PRAGMA index_list({name})") if origin == "c"]
    copies = [tuple(at for _, at, _ in connection.execute(f"PRAGMA index_info({index})")) for index in created]
    others = tuple(at for at in range(len(columns)) if at != key)
    return Table(name, columns, types, key, others in copies)
