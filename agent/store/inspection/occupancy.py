"""How full the ring buffer is: the bytes of its files, the readings in it, and how long the room will do."""

import sqlite3
from pathlib import Path
from typing import Any

from agent.domain.errors import StoreError
from agent.store.inspection.reader import Reader, utc_text
from agent.store.room import Room
from agent.store.salvage.wreck import leftovers

_WINDOW_US = 6 * 3_600_000_000
_LEAST_US = 60_000_000
_DAY_US = 86_400_000_000
_ROW_BYTES = 40  # a reading without a reason, with its share of the page: 36 measured, more once boot times are long
_SAMPLE = 5_000

_UTC_US = "g.offset_us + 1000 * r.boot_ms"
_READINGS = "FROM readings AS r JOIN segments AS g ON g.id = r.segment"


def files(path: Path, most_bytes: int) -> dict[str, int]:
    """Bytes of all that belongs to the database at `path`: `database`, `log`, `ballast`, damaged files that are being
    `salvaged`; and `most`, what all of them together may take.
    """
    aside = [part for found in leftovers(path) for part in (found, found.with_name(found.name + "-wal"))]
    return {
        "most": most_bytes,
        "database": _bytes(path),
        "log": _bytes(path.with_name(path.name + "-wal")),
        "ballast": _bytes(path.with_name(path.name + "-ballast")),
        "salvaged": sum(part.stat().st_blocks * 512 for part in aside if part.exists()),  # what is done with is a hole
    }


def occupancy(reader: Reader, most_bytes: int) -> dict[str, Any]:
    """`held` readings `since` and `until` (times, None when there are none) at a rate of so many `per_day`.

    `room_bytes` are left, for `room_days`, before the oldest must make room for the newest; altogether there is room
    for `holds_days` of readings. Rate and days are None while the rate cannot be told.
    """
    oldest, newest = reader.value("SELECT min(seq) FROM readings"), reader.value("SELECT max(seq) FROM readings")
    held = 0 if oldest is None else newest - oldest + 1
    room_bytes = _room_bytes(reader, most_bytes)
    found: dict[str, Any] = {
        "held": held,
        "since": reader.value(f"SELECT {utc_text(_UTC_US)} {_READINGS} ORDER BY seq LIMIT 1"),
        "until": reader.value(f"SELECT {utc_text(_UTC_US)} {_READINGS} ORDER BY seq DESC LIMIT 1"),
        "room_bytes": room_bytes,
        "per_day": None,
        "room_days": None,
        "holds_days": None,
    }
    if per_day := _per_day(reader, newest, held - 1):
        room_days = room_bytes / _row_bytes(reader, newest) / per_day
        holds_days = room_days + held / per_day
        found |= {"per_day": round(per_day), "room_days": round(room_days, 2), "holds_days": round(holds_days, 2)}
    return found


def _room_bytes(reader: Reader, most_bytes: int) -> int:
    """What the setting and the disk leave to the database, beside what is in use in it."""
    try:
        return max(-Room(reader.path, most_bytes).missing_bytes(reader.connection, 0, 0), 0)
    except sqlite3.Error as error:
        raise StoreError(f"{reader.path}: {error}") from error


def _per_day(reader: Reader, newest: int, rows: int) -> float | None:
    """Readings a day, over the last hours in which there were any; None when they are fewer than a minute's."""
    end_us = reader.value(f"SELECT {_UTC_US} {_READINGS} WHERE seq = ?", newest)
    while rows > 0:
        begin_us = reader.value(f"SELECT {_UTC_US} {_READINGS} WHERE seq >= ? ORDER BY seq LIMIT 1", newest - rows)
        if begin_us is None or end_us is None:
            return None
        if 0 <= end_us - begin_us <= _WINDOW_US:
            return rows * _DAY_US / (end_us - begin_us) if end_us - begin_us >= _LEAST_US else None
        rows //= 2
    return None


def _row_bytes(reader: Reader, newest: int) -> float:
    """A reading's share of the file, with reasons as long as lately."""
    reasons = reader.value("SELECT avg(coalesce(length(because), 0)) FROM readings WHERE seq > ?", newest - _SAMPLE)
    return _ROW_BYTES + float(reasons or 0)


def _bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
