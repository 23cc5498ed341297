"""What waits for whom: how far each sink has got in each stream, and the oldest that it lacks."""

from collections.abc import Sequence
from typing import Any

from agent.store.cursors import STREAMS, Stretch
from agent.store.inspection.reader import Reader, utc_text

# Numbers of readings and roll-ups have no holes to speak of, so these many rows need not be counted one by one.
_DENSE = "SELECT max(0, (SELECT max(seq) FROM {0}) - max(:seq, (SELECT min(seq) FROM {0}) - 1)) AS count"
_WAITING = {
    "readings": _DENSE.format("readings"),
    "rollups": _DENSE.format("rollups"),
    "alerts": "SELECT count(*) AS count FROM alarm_log WHERE seq > :seq",
    "gaps": "SELECT count(*) AS count FROM gaps WHERE seq > :seq AND sink = :sink",
}
_STAMPED = utc_text("g.offset_us + 1000 * t.boot_ms")
_OLDEST = {
    "readings": f"SELECT {_STAMPED} AS time FROM readings AS t JOIN segments AS g ON g.id = t.segment WHERE seq > :seq",
    "rollups": f"SELECT {utc_text('minute_us')} AS time FROM rollups WHERE seq > :seq",
    "alerts": f"SELECT {_STAMPED} AS time FROM alarm_log AS t JOIN segments AS g ON g.id = t.segment WHERE seq > :seq",
    "gaps": f"SELECT {utc_text('from_us')} AS time FROM gaps WHERE seq > :seq AND sink = :sink",
}


def undelivered(reader: Reader) -> list[dict[str, Any]]:
    """A row a sink and stream, by sink: `settled_up_to`, `delivered`, `rejected`, how many are `waiting`, the time of
    the `oldest` of them (None if there is none), and the stretches of readings settled `ahead` (after, up to).
    """
    ahead: dict[str, list[Stretch]] = {}
    for sink, after, upto in reader.rows("SELECT sink, after_seq, upto_seq FROM ahead ORDER BY sink, after_seq"):
        ahead.setdefault(sink, []).append((after, upto))
    cursors = reader.ask("SELECT sink, stream, seq AS settled_up_to, delivered, rejected FROM cursors")
    cursors.sort(key=lambda cursor: (cursor["sink"], STREAMS.index(cursor["stream"])))
    return [cursor | _waiting(reader, cursor, ahead.get(cursor["sink"], ())) for cursor in cursors]


def _waiting(reader: Reader, cursor: dict[str, Any], ahead: Sequence[Stretch]) -> dict[str, Any]:
    sink, stream, seq = cursor["sink"], cursor["stream"], cursor["settled_up_to"]
    if stream != "readings":
        ahead = ()
    (count,) = reader.ask(_WAITING[stream], seq=seq, sink=sink)
    waiting = max((count["count"] or 0) - sum(upto - after for after, upto in ahead), 0)
    before = seq if not ahead else _before_the_oldest(reader, seq, ahead)
    oldest = reader.ask(f"{_OLDEST[stream]} ORDER BY seq LIMIT 1", seq=before, sink=sink)
    return {"waiting": waiting, "oldest": oldest[0]["time"] if oldest else None, "ahead": ahead}


def _before_the_oldest(reader: Reader, seq: int, ahead: Sequence[Stretch]) -> int:
    """The number behind which the oldest reading lies that is neither settled nor gone."""
    for after, upto in ahead:
        if reader.rows("SELECT 1 FROM readings WHERE seq > ? AND seq <= ? LIMIT 1", seq, after):
            break
        seq = upto
    return seq
