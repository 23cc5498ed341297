"""Readings that come when their hours and days have been added up: remembered with them, and added up again soon.

TimescaleDB's policies look a month back. Without it hours and days are added up for every question: nothing is late.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from threading import Event
from typing import Any

from psycopg import Connection

from agent.domain.errors import AquaError
from agent.domain.secret import Secret
from cloud_sync.backend.database.connection import connected
from cloud_sync.backend.database.policies import policies
from cloud_sync.backend.database.refresh import refresh
from cloud_sync.backend.ingest.metrics import Metrics

log = logging.getLogger(__name__)

_MARGIN = timedelta(days=2)  # a policy leaves out the day in which its span begins
_LOCK = 0x61717562  # "aqub": one instance at a time
Utc = Callable[[], datetime]


def late_after(connection: Connection[Any]) -> timedelta | None:
    """Readings older than that are late; None where none ever is."""
    rules = policies(connection)
    return None if rules is None else rules.refresh_back - _MARGIN


def remember(connection: Connection[Any], times: Sequence[str], before: datetime) -> None:
    """The days of these times (ISO 8601, UTC) that are before `before`, in the transaction of the readings."""
    limit = before.isoformat()
    if min(times) >= limit:
        return
    connection.execute(
        """INSERT INTO aqua.late_days AS old (day) SELECT * FROM unnest(%s::date[])
           ON CONFLICT (day) DO UPDATE SET batches = old.batches + 1""",
        [sorted({time[:10] for time in times if time < limit})],
    )


def add_up(connection: Connection[Any], now: datetime) -> int:
    """Refresh the remembered days; returns how many. What comes meanwhile stays remembered. None while another does it.

    `connection` is in autocommit mode.
    """
    if not connection.execute("SELECT 1 FROM aqua.late_days LIMIT 1").fetchone():
        return 0
    [locked] = connection.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK]).fetchone() or [False]
    if not locked:
        return 0
    try:
        rows = connection.execute("SELECT day, batches FROM aqua.late_days ORDER BY day").fetchall()
        begins = [datetime.combine(day, time_of_day(), UTC) for day, _ in rows]
        refresh(connection, [(begin, begin) for begin in begins], now)
        connection.execute(
            """DELETE FROM aqua.late_days USING unnest(%s::date[], %s::bigint[]) done (day, batches)
               WHERE late_days.day = done.day AND late_days.batches = done.batches""",
            [[day for day, _ in rows], [batches for _, batches in rows]],
        )
        return len(rows)
    finally:
        connection.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def keep_adding_up(dsn: Secret, every_s: float, stop: Event, utc: Utc, metrics: Metrics) -> None:
    """Until `stop`; faults are told once and tried again the next time."""
    trouble: str | None = None
    while not stop.wait(every_s):
        try:
            with connected(dsn, autocommit=True) as connection:
                if days := add_up(connection, utc()):
                    metrics.refreshed.inc(days)
                    log.info("late readings of %d days are added up", days)
            trouble = None
        except AquaError as error:
            if trouble is None:
                log.warning("late readings are not added up yet: %s", error)
            trouble = str(error)
