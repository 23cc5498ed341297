"""Taking late readings into the hours and days that were added up without them."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import Connection

from cloud_sync.backend.database.connection import DatabaseError
from cloud_sync.backend.database.policies import policies

Window = tuple[datetime, datetime]
_AGGREGATES = ("analytics.hourly_readings", "analytics.daily_readings")  # days are made of hours
_DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def refresh(connection: Connection[Any], windows: Iterable[Window], now: datetime) -> list[Window]:
    """Bring the aggregates up to date for readings between the two times (both included) of each window.

    Returns the whole days (UTC) that were looked through: never such of which readings were already dropped, since
    the history of those days is only in the aggregates. None without TimescaleDB, where nothing is kept to be
    refreshed. `connection` is in autocommit mode.
    """
    if not connection.autocommit:
        raise DatabaseError("continuous aggregates are refreshed outside a transaction only")
    rules = policies(connection)
    if rules is None:
        return []
    oldest = _EPOCH if rules.keep_readings is None else _whole_days(now - rules.keep_readings) + _DAY
    days = _merged((max(_whole_days(first), oldest), _whole_days(last) + _DAY) for first, last in windows)
    for aggregate in _AGGREGATES:
        for begin, end in days:
            connection.execute(
                "CALL refresh_continuous_aggregate(%s::regclass, %s::timestamptz, %s::timestamptz)",
                [aggregate, begin, end],
            )
    return days


def _whole_days(time: datetime) -> datetime:
    return time - (time - _EPOCH) % _DAY


def _merged(windows: Iterable[Window]) -> list[Window]:
    merged: list[Window] = []
    for begin, end in sorted(window for window in windows if window[0] < window[1]):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged
