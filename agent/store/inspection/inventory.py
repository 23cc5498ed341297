"""What else the ring buffer holds beside readings, and what has happened to it."""

import sqlite3
from typing import Any

from agent.store.database import has_wal_reset_bug
from agent.store.inspection.reader import Reader, utc_text


def inventory(reader: Reader) -> dict[str, Any]:
    """`rollups` (`held`, `since`, `until`); the number of `alarm_changes`; lists of `gaps` (`sink`, `gaps`, the
    `readings` counted in them, those of `unknown` size), of `dead_letters` (`sink`, `letters`, how many are
    `offered_again`; an empty sink's are rows whose checksum was wrong) and of `epochs` (`epoch`, `first_seq`), oldest
    first; and which `sqlite` reads it here (`version`, whether it has the `wal_reset_bug`).
    """
    return {
        "rollups": _rollups(reader),
        "alarm_changes": reader.value("SELECT count(*) FROM alarm_log"),
        "gaps": reader.ask(
            """SELECT sink, count(*) AS gaps, coalesce(sum(count), 0) AS readings, sum(count IS NULL) AS unknown
               FROM gaps GROUP BY sink ORDER BY sink"""
        ),
        "dead_letters": reader.ask(
            """SELECT sink, count(*) AS letters, sum(replay) AS offered_again
               FROM dead_letters GROUP BY sink ORDER BY sink"""
        ),
        "epochs": reader.ask("SELECT epoch, first_seq FROM epochs ORDER BY id"),
        "sqlite": {"version": sqlite3.sqlite_version, "wal_reset_bug": has_wal_reset_bug()},
    }


def _rollups(reader: Reader) -> dict[str, Any]:
    oldest, newest = reader.value("SELECT min(seq) FROM rollups"), reader.value("SELECT max(seq) FROM rollups")
    time = f"SELECT {utc_text('minute_us')} FROM rollups"
    return {
        "held": 0 if oldest is None else newest - oldest + 1,
        "since": reader.value(f"{time} ORDER BY seq LIMIT 1"),
        "until": reader.value(f"{time} ORDER BY seq DESC LIMIT 1"),
    }
