"""What the ring buffer holds of a time range, row by row, in the order it was stored: for `export`.

It comes in pages by number, each asked for by itself, however few rows of it fall into the range. Rows whose checksum
is wrong are left out.
"""

import logging
from collections.abc import Callable, Iterator
from typing import Any

from agent.store.checksum import is_whole
from agent.store.inspection.letters import letters
from agent.store.inspection.reader import Reader, utc_text

log = logging.getLogger(__name__)

_PAGE = 5_000

_TABLES = {
    "readings": (
        "readings",
        """SELECT reading.* FROM readings AS t JOIN segments AS g ON g.id = t.segment JOIN reading USING (seq)
           WHERE g.offset_us + 1000 * t.boot_ms >= :from_us AND g.offset_us + 1000 * t.boot_ms < :to_us""",
    ),
    "rollups": (
        "rollups",
        """SELECT rollup.* FROM rollups AS t JOIN rollup USING (seq)
           WHERE t.minute_us >= :from_us AND t.minute_us < :to_us""",
    ),
    "alarms": (
        "alarm_log",
        """SELECT alarm.* FROM alarm_log AS t JOIN segments AS g ON g.id = t.segment JOIN alarm USING (seq)
           WHERE g.offset_us + 1000 * t.boot_ms >= :from_us AND g.offset_us + 1000 * t.boot_ms < :to_us""",
    ),
    "gaps": (
        "gaps",
        f"""SELECT t.seq, e.epoch, t.sink, t.first_seq, t.last_seq, {utc_text("t.from_us")} AS from_utc,
                   {utc_text("t.to_us")} AS to_utc, t.count, t.because
            FROM gaps AS t LEFT JOIN epochs AS e ON e.id = t.epoch WHERE t.to_us >= :from_us AND t.from_us < :to_us""",
    ),
}


def _warn(seq: int) -> None:
    log.warning("row %d is damaged and left out", seq)


def extract(
    reader: Reader, kind: str, from_us: int, to_us: int, tell_damaged: Callable[[int], None] = _warn
) -> Iterator[dict[str, Any]]:
    """Rows of that kind in that half-open range of UTC microseconds; `tell_damaged` gets the number of each left out.

    `readings`, `rollups` and `alarms` are rows of the views; records of `gaps` come when a part of them is in the
    range; `dead-letters` (see `letters`) also when nobody knows their time any more. KeyError for any other kind.
    """
    if kind == "dead-letters":
        yield from letters(reader, None, from_us, to_us)
        return
    table, ask = _TABLES[kind]
    last, after = reader.value(f"SELECT max(seq) FROM {table}"), -1
    while (upto := _page_end(reader, table, after, last)) is not None:
        page = reader.ask(
            f"{ask} AND t.seq > :after AND t.seq <= :upto ORDER BY t.seq",
            from_us=from_us, to_us=to_us, after=after, upto=upto,
        )  # fmt: skip
        damaged = _damaged(reader, table, after, upto) if page else set()
        for row in page:
            if row["seq"] in damaged:
                tell_damaged(row["seq"])
            else:
                yield row
        after = upto


def _page_end(reader: Reader, table: str, after: int, last: int | None) -> int | None:
    """The number with which the page behind `after` ends; None when there is no more up to `last`."""
    ask = f"SELECT max(seq) FROM (SELECT seq FROM {table} WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?)"
    upto: int | None = reader.value(ask, after, last, _PAGE)
    return upto


def _damaged(reader: Reader, table: str, after: int, upto: int) -> set[int]:
    rows = reader.rows(f"SELECT * FROM {table} WHERE seq > ? AND seq <= ?", after, upto)
    return {row[0] for row in rows if not is_whole(table, row)}
