"""The times after which TimescaleDB acts by itself, and what keeps them from destroying history.

A refresh over hours whose readings were dropped would empty those hours. So readings are kept for longer than any
refresh looks back, and a refresh never looks further back than readings are kept.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection

from cloud_sync.backend.database.connection import DatabaseError
from cloud_sync.backend.database.migrate import state
from cloud_sync.backend.database.migrations import Flavour

READINGS = "sensor_data.readings"


@dataclass(frozen=True, slots=True)
class Policies:
    """As they are in the database. `keep_readings` None: for ever. `refresh_back`: how far a refresh looks back."""

    chunk: timedelta
    columnstore_after: timedelta | None
    keep_readings: timedelta | None
    refresh_back: timedelta


def policies(connection: Connection[Any]) -> Policies | None:
    """None in a database without TimescaleDB."""
    if state(connection).flavour is not Flavour.TIMESCALE:
        return None
    chunk = connection.execute(
        "SELECT time_interval FROM timescaledb_information.dimensions "
        "WHERE hypertable_schema || '.' || hypertable_name = %s",
        [READINGS],
    ).fetchone()
    jobs = connection.execute(
        """SELECT hypertable_schema || '.' || hypertable_name = %s,
                  coalesce(config ->> 'compress_after', config ->> 'after')::interval,
                  (config ->> 'drop_after')::interval,
                  CASE WHEN proc_name = 'policy_refresh_continuous_aggregate'
                       THEN coalesce((config ->> 'start_offset')::interval, INTERVAL '36500 days') END
           FROM timescaledb_information.jobs WHERE config IS NOT NULL""",
        [READINGS],
    ).fetchall()
    if chunk is None:
        raise DatabaseError(f"{READINGS} is not a hypertable any more")
    return Policies(
        chunk[0],
        next((after for ours, after, _, _ in jobs if ours and after), None),
        next((after for ours, _, after, _ in jobs if ours and after), None),
        max((back for *_, back in jobs if back), default=timedelta()),
    )


def set_chunk(connection: Connection[Any], chunk: timedelta) -> None:
    """For chunks to come; those that are there stay as they are."""
    connection.execute("SELECT set_chunk_time_interval(%s::regclass, %s::interval)", [READINGS, chunk])


def set_columnstore_after(connection: Connection[Any], after: timedelta) -> None:
    connection.execute("CALL remove_columnstore_policy(%s::regclass, if_exists => true)", [READINGS])
    connection.execute("CALL add_columnstore_policy(%s::regclass, after => %s::interval)", [READINGS, after])


def set_keep_readings(connection: Connection[Any], keep: timedelta | None) -> None:
    """Drop chunks of readings that are older; None keeps all. Hours and days of them stay in the aggregates."""
    now = policies(connection)
    if now is None:
        raise DatabaseError("readings can't be dropped by age without TimescaleDB: nothing would be left of them")
    if keep is not None and keep < now.refresh_back + now.chunk:
        least = (now.refresh_back + now.chunk).days
        raise DatabaseError(
            f"readings must be kept for {least} days or longer, not {keep.days}: aggregates are refreshed "
            f"{now.refresh_back.days} days back, and would lose the hours whose readings are gone"
        )
    connection.execute("SELECT remove_retention_policy(%s::regclass, if_exists => true)", [READINGS])
    if keep is not None:
        connection.execute("SELECT add_retention_policy(%s::regclass, %s::interval)", [READINGS, keep])


def failed_jobs(connection: Connection[Any]) -> list[tuple[str, datetime]]:
    """Policies whose last run failed, and when that was."""
    if state(connection).flavour is not Flavour.TIMESCALE:
        return []
    return connection.execute(
        """SELECT j.application_name, s.last_run_started_at FROM timescaledb_information.job_stats s
           JOIN timescaledb_information.jobs j USING (job_id) WHERE s.last_run_status = 'Failed'"""
    ).fetchall()
