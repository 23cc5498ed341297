"""Hours and days: their numbers, and that late readings come in and history stays."""

from datetime import UTC, datetime, timedelta
from statistics import mean, stdev, variance
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import Connection, sql

from cloud_sync.backend.database.connection import DatabaseError
from cloud_sync.backend.database.policies import (
    policies,
    set_chunk,
    set_columnstore_after,
    set_keep_readings,
)
from cloud_sync.backend.database.refresh import refresh
from tests.backend.database.rows import AT, OXYGEN, PH, TANK, TEMPERATURE, answer, ask, series, write
from tests.cloud_sync.things import records

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NOW = datetime.now(UTC).replace(microsecond=0)


def test_an_hour_in_numbers(database: Connection[Any]) -> None:
    values = [7.0, 7.3, 7.1, 7.6]
    series(
        database, PH, "pH", [*values, None, 99.0], quality=[1.0, 0.9, 0.8, 0.7, 0.0, 0.69], until=AT + 29 * HOUR / 60
    )
    rows = ask(
        database,
        """SELECT time, sensor_id, tank_id, sensor_type, avg_value, min_value, max_value, stddev_value, count_readings,
                  avg_quality, anomaly_count, usable_readings, sum_value, sum_squares
           FROM analytics.hourly_sensor_stats""",
    )
    assert rows == [
        (
            AT, PH, TANK, "pH", pytest.approx(mean(values)), 7.0, 7.6, pytest.approx(stdev(values)), 6,
            pytest.approx((1.0 + 0.9 + 0.8 + 0.7 + 0.0 + 0.69) / 6), 0, 4, pytest.approx(sum(values)),
            pytest.approx(sum(value * value for value in values)),
        )
    ]  # fmt: skip


def test_an_hour_of_missing_readings_has_no_mean(database: Connection[Any]) -> None:
    series(database, PH, "pH", [None, None], quality=0.0)
    assert ask(database, "SELECT avg_value, min_value, stddev_value FROM analytics.hourly_sensor_stats") == [
        (None, None, None)
    ] * len(ask(database, "SELECT DISTINCT date_trunc('hour', time) FROM sensor_data.readings"))


def test_readings_that_several_detectors_mark_count_once_in_their_hour(database: Connection[Any]) -> None:
    series(database, PH, "pH", [7.0, 9.0])
    for detector in ("z-score-24h", "forest"):
        database.execute(
            """INSERT INTO analytics.anomalies (time, sensor_id, tank_id, sensor_type, value, detector, reason)
               VALUES (%s, %s, %s, 'pH', 9.0, %s, 'far off')""",
            [AT, PH, TANK, detector],
        )
    counts = ask(database, "SELECT time, anomaly_count FROM analytics.hourly_sensor_stats ORDER BY 1")
    assert counts == [(AT - HOUR, 0), (AT, 1)]


def test_a_day_in_numbers(database: Connection[Any]) -> None:
    midnight = AT - 12 * HOUR
    temperatures = [20.0 + hour / 10 for hour in range(24)]
    acidities = [7.0 + hour % 3 / 10 for hour in range(24)]
    oxygen = [1.9, 1.5, 6.0, 1.8, *[6.0] * 20]
    last = midnight + 23.5 * HOUR
    series(database, TEMPERATURE, "Temperature", temperatures, every=HOUR, until=last)
    series(database, PH, "pH", acidities, every=HOUR, until=last)
    series(database, OXYGEN, "DissolvedOxygen", oxygen, every=HOUR, until=last, quality=0.9)
    alert = """INSERT INTO sensor_data.alerts (tank_id, alert_type, severity, message, created_at)
               VALUES (%s, 'low', 'warning', 'low', %s)"""
    for time in (midnight, midnight + DAY - timedelta(microseconds=1), midnight + DAY):
        database.execute(alert, [TANK, time])
    database.execute(
        "INSERT INTO sensor_data.maintenance (time, tank_id, kind) VALUES (%s, %s, 'calibration')", [AT, TANK]
    )
    assert ask(
        database,
        """SELECT date, tank_id, avg_temperature, avg_ph, avg_oxygen, avg_salinity, min_temperature, max_temperature,
                  temperature_variance, ph_stability_score, oxygen_critical_events, total_readings, data_quality_score,
                  alert_count, maintenance_events FROM analytics.daily_tank_summary""",
    ) == [
        (
            midnight.date(), TANK, pytest.approx(mean(temperatures)), pytest.approx(mean(acidities)),
            pytest.approx(mean(oxygen)), None, 20.0, pytest.approx(22.3), pytest.approx(variance(temperatures)),
            pytest.approx(1 / (1 + stdev(acidities))), 3, 72, pytest.approx((1 + 1 + 0.9) / 3), 2, 1,
        )
    ]  # fmt: skip


def test_days_are_of_utc_whatever_the_session_thinks(database: Connection[Any]) -> None:
    series(database, PH, "pH", [7.0], until=datetime(2026, 11, 23, 23, 30, tzinfo=UTC))
    with database.transaction():
        database.execute("SET LOCAL TimeZone = 'Pacific/Auckland'")
        assert str(answer(database, "SELECT date FROM analytics.daily_tank_summary")) == "2026-11-23"


def hours(connection: Connection[Any]) -> list[tuple[Any, ...]]:
    return ask(connection, "SELECT time, avg_value FROM analytics.hourly_sensor_stats ORDER BY 1")


def days(connection: Connection[Any]) -> list[tuple[Any, ...]]:
    return ask(connection, "SELECT date, avg_ph, total_readings FROM analytics.daily_tank_summary ORDER BY 1")


def run_job(connection: Connection[Any], proc: LiteralString) -> None:
    """What the scheduler would do; the number must be a literal."""
    for (job,) in ask(connection, "SELECT job_id FROM timescaledb_information.jobs WHERE proc_name = %s", proc):
        connection.execute(sql.SQL("CALL run_job({})").format(sql.Literal(job)))


def test_late_readings_are_taken_into_hours_and_days_that_were_done(database: Connection[Any]) -> None:
    old = AT - 100 * DAY
    series(database, PH, "pH", [7.0], until=old)
    refresh(database, [(old, old)], NOW)
    series(database, PH, "pH", [8.0], until=old + HOUR / 4)
    refresh(database, [(old + HOUR / 4, old + HOUR / 4)], NOW)
    assert hours(database) == [(old, 7.5)]
    assert days(database) == [(old.date(), 7.5, 2)]


def test_without_the_refresh_the_late_reading_would_be_missing(timescale_database: Connection[Any]) -> None:
    old = AT - 100 * DAY
    series(timescale_database, PH, "pH", [7.0], until=old)
    refresh(timescale_database, [(old, old)], NOW)
    series(timescale_database, PH, "pH", [8.0], until=old + HOUR / 4)
    assert hours(timescale_database) == [(old, 7.0)]


def test_readings_of_the_last_days_are_taken_in_by_the_policies_alone(timescale_database: Connection[Any]) -> None:
    lately = NOW.replace(minute=0, second=0) - 5 * DAY
    for value in (7.0, 8.0):
        series(timescale_database, PH, "pH", [value], until=lately + HOUR * (value - 7) / 2)
        run_job(timescale_database, "policy_refresh_continuous_aggregate")
    assert hours(timescale_database) == [(lately, 7.5)]


def test_windows_that_meet_are_refreshed_once(timescale_database: Connection[Any]) -> None:
    monday = datetime(2026, 1, 5, tzinfo=UTC)
    windows = [(monday + DAY, monday + DAY + HOUR), (monday, monday + HOUR), (monday + 9 * DAY, monday + 9 * DAY)]
    assert refresh(timescale_database, windows, NOW) == [
        (monday, monday + 2 * DAY),
        (monday + 9 * DAY, monday + 10 * DAY),
    ]


def test_a_refresh_inside_a_transaction_is_refused_with_a_reason(database_dsn: str) -> None:
    with psycopg.connect(database_dsn) as connection, pytest.raises(DatabaseError, match="outside a transaction"):
        refresh(connection, [(AT, AT)], NOW)


def compress(connection: Connection[Any]) -> int:
    return len(ask(connection, "SELECT compress_chunk(c) FROM show_chunks('sensor_data.readings') c"))


def test_late_readings_and_duplicates_are_right_also_in_the_columnstore(timescale_database: Connection[Any]) -> None:
    batch = records(1, 5000)
    write(timescale_database, batch[::2])
    assert compress(timescale_database) == 1
    assert write(timescale_database, batch) == 2500
    assert write(timescale_database, batch) == 0
    assert answer(timescale_database, "SELECT count(*) FROM sensor_data.readings") == 5000
    compress(timescale_database)
    assert write(timescale_database, batch) == 0
    assert ask(timescale_database, "SELECT min(time), max(time), count(DISTINCT time) FROM sensor_data.readings") == [
        (AT + timedelta(milliseconds=1), AT + timedelta(seconds=5), 5000)
    ]


def test_a_backlog_into_the_columnstore_meets_no_limit(timescale_database: Connection[Any]) -> None:
    batch = records(1, 5000)
    write(timescale_database, batch[::2])
    compress(timescale_database)
    # A backlog of a thousand times as many rows, so to say: the limit is 100,000.
    timescale_database.execute("SET timescaledb.max_tuples_decompressed_per_dml_transaction = 100")
    assert write(timescale_database, batch) == 2500


def test_hours_and_days_outlive_their_readings(timescale_database: Connection[Any]) -> None:
    database = timescale_database
    old = NOW.replace(minute=0, second=0) - 400 * DAY
    for age in (400, 200, 5):
        series(database, PH, "pH", [7.0, 8.0], until=NOW.replace(minute=30, second=0) - age * DAY)
    refresh(database, [(old, NOW)], NOW)
    history = hours(database), days(database)
    assert len(history[0]) == len(history[1]) == 3
    set_keep_readings(database, 100 * DAY)
    run_job(database, "policy_retention")
    assert answer(database, "SELECT count(*) FROM sensor_data.readings") == 2
    assert (hours(database), days(database)) == history
    run_job(database, "policy_refresh_continuous_aggregate")
    # A straggler from so long ago must not have its whole day taken for what it brings alone.
    series(database, PH, "pH", [1.0], until=old)
    refreshed = refresh(database, [(old, old), (old, NOW)], NOW)
    assert refreshed[0][0] > NOW - 100 * DAY
    assert (hours(database), days(database)) == history


def test_readings_are_never_kept_for_less_than_a_refresh_looks_back(timescale_database: Connection[Any]) -> None:
    with pytest.raises(DatabaseError, match="kept for 37 days or longer, not 36"):
        set_keep_readings(timescale_database, 36 * DAY)
    set_keep_readings(timescale_database, 37 * DAY)
    rules = policies(timescale_database)
    assert rules is not None
    assert rules.keep_readings == 37 * DAY
    set_keep_readings(timescale_database, None)
    rules = policies(timescale_database)
    assert rules is not None
    assert rules.keep_readings is None


def test_no_reading_is_dropped_where_a_refresh_looks_back_for_ever(timescale_database: Connection[Any]) -> None:
    timescale_database.execute("""
        SELECT remove_continuous_aggregate_policy('analytics.hourly_readings');
        SELECT add_continuous_aggregate_policy('analytics.hourly_readings', NULL, INTERVAL '1 hour', INTERVAL '1 hour')
    """)
    with pytest.raises(DatabaseError, match="must be kept for 36507 days or longer"):
        set_keep_readings(timescale_database, 3650 * DAY)


def test_chunks_and_compression_are_settings(timescale_database: Connection[Any]) -> None:
    set_chunk(timescale_database, DAY)
    set_columnstore_after(timescale_database, 60 * DAY)
    rules = policies(timescale_database)
    assert rules is not None
    assert (rules.chunk, rules.columnstore_after, rules.refresh_back) == (DAY, 60 * DAY, 30 * DAY)


def test_the_columnstore_takes_what_is_old_and_leaves_what_is_new(timescale_database: Connection[Any]) -> None:
    for age in (60, 1):
        series(timescale_database, PH, "pH", [7.0], until=NOW - age * DAY)
    run_job(timescale_database, "policy_compression")
    assert ask(
        timescale_database,
        """SELECT is_compressed FROM timescaledb_information.chunks
           WHERE hypertable_name = 'readings' ORDER BY range_start""",
    ) == [(True,), (False,)]
