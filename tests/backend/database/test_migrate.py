"""From nothing, again, at once, from every earlier version, and what must be refused."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from cloud_sync.backend.database.connection import DatabaseError
from cloud_sync.backend.database.migrate import migrate, notice, state
from cloud_sync.backend.database.migrations import Flavour, Migration, migrations
from tests.backend.database.rows import answer, ask
from tests.services.postgres import Postgres

NEWEST = len(migrations())


def step(version: int, text: str) -> Migration:
    return Migration(version, "test", dict.fromkeys(Flavour, text))


def columns(connection: Connection[Any]) -> list[tuple[Any, ...]]:
    return ask(
        connection,
        """SELECT table_schema, table_name, column_name, data_type, is_nullable FROM information_schema.columns
           WHERE table_schema IN ('sensor_data', 'analytics', 'ml_features', 'aqua') ORDER BY 1, 2, 3""",
    )


def test_a_database_is_made_from_nothing_and_then_left_alone(empty: Connection[Any]) -> None:
    assert [migration.version for migration in migrate(empty)] == list(range(1, NEWEST + 1))
    made = columns(empty)
    assert migrate(empty) == []
    assert columns(empty) == made
    assert ask(empty, "SELECT count(*), max(version) FROM aqua.migrations") == [(NEWEST, NEWEST)]


@pytest.mark.parametrize("earlier", range(1, NEWEST))
def test_every_earlier_version_comes_to_the_same_end(earlier: int, empty: Connection[Any]) -> None:
    migrate(empty, migrations()[:earlier])
    empty.execute("INSERT INTO sensor_data.tanks (id, name) VALUES (gen_random_uuid(), 'tank-1')")
    assert len(migrate(empty)) == NEWEST - earlier
    assert answer(empty, "SELECT name FROM sensor_data.tanks") == "tank-1"
    assert answer(empty, "SELECT count(*) FROM analytics.daily_tank_summary") == 0
    assert state(empty).pending == []


def test_readings_from_before_they_were_cut_into_chunks_are_kept(empty: Connection[Any]) -> None:
    migrate(empty, migrations()[:4])
    empty.execute("""INSERT INTO sensor_data.readings (time, sensor_id, tank_id, sensor_type, value)
                     VALUES ('2026-01-01', gen_random_uuid(), gen_random_uuid(), 'pH', 7)""")
    migrate(empty)
    assert answer(empty, "SELECT value FROM sensor_data.readings") == 7


def test_eight_at_once_make_one_database(postgres: Postgres) -> None:
    def run(dsn: str) -> int:
        with psycopg.connect(dsn, autocommit=True) as connection:
            return len(migrate(connection))

    with postgres.fresh() as dsn, ThreadPoolExecutor(8) as threads:
        counts = list(threads.map(run, [dsn] * 8))
        with psycopg.connect(dsn) as connection:
            assert state(connection).pending == []
    assert sum(counts) == NEWEST


def test_a_step_that_fails_is_undone_whole_and_done_later(empty: Connection[Any]) -> None:
    broken = step(2, "CREATE TABLE sensor_data.half (id int); SELECT 1/0")
    with pytest.raises(DatabaseError, match=r"migration 0002_test failed and was undone: division by zero"):
        migrate(empty, [migrations()[0], broken])
    assert answer(empty, "SELECT to_regclass('sensor_data.half')") is None
    assert len(migrate(empty)) == NEWEST - 1


def test_a_first_step_that_fails_leaves_nothing(empty: Connection[Any]) -> None:
    with pytest.raises(DatabaseError, match="0001_test"):
        migrate(empty, [step(1, "SELECT 1/0")])
    assert answer(empty, "SELECT count(*) FROM pg_namespace WHERE nspname = 'aqua'") == 0


def test_a_migration_that_was_changed_after_it_was_applied_is_named(empty: Connection[Any]) -> None:
    migrate(empty, [step(1, "CREATE SCHEMA sensor_data")])
    changed = step(1, "CREATE SCHEMA sensor_data -- and so on")
    with pytest.raises(DatabaseError, match=r"0001_test was changed after it was applied"):
        migrate(empty, [changed, step(2, "SELECT 1/0")])


def test_a_database_newer_than_the_software_is_refused(empty: Connection[Any]) -> None:
    migrate(empty)
    with pytest.raises(DatabaseError, match=f"at version {NEWEST}, this software knows no more than {NEWEST - 1}"):
        migrate(empty, migrations()[:-1])


def test_what_plain_postgresql_lacks_is_told(empty: Connection[Any]) -> None:
    migrate(empty)
    told = notice(empty)
    if state(empty).flavour is Flavour.TIMESCALE:
        assert told is None
    else:
        assert told is not None
        assert "readings are not compressed" in told


def test_every_name_and_column_of_the_original_is_there(database: Connection[Any]) -> None:
    there = {(f"{schema}.{table}", column) for schema, table, column, *_ in columns(database)}
    for table, names in ORIGINAL.items():
        assert {(table, name) for name in names.split()} - there == set()


ORIGINAL: Mapping[str, str] = {
    "sensor_data.readings": "time sensor_id tank_id sensor_type value quality_score metadata created_at",
    "sensor_data.sensors": "id tank_id sensor_type model manufacturer serial_number installation_date calibration_date "
    "next_calibration_date min_value max_value accuracy is_active metadata created_at updated_at",
    "sensor_data.tanks": "id name capacity_value capacity_unit tank_type location status optimal_parameters created_at "
    "updated_at",
    "sensor_data.alerts": "id tank_id sensor_id alert_type severity message threshold_value actual_value is_resolved "
    "resolved_at resolved_by metadata created_at",
    "analytics.hourly_sensor_stats": "time sensor_id tank_id sensor_type avg_value min_value max_value stddev_value "
    "count_readings avg_quality anomaly_count",
    "analytics.daily_tank_summary": "date tank_id avg_temperature avg_ph avg_oxygen avg_salinity min_temperature "
    "max_temperature temperature_variance ph_stability_score oxygen_critical_events total_readings data_quality_score "
    "alert_count maintenance_events",
    "ml_features.tank_features": "feature_timestamp tank_id features feature_version created_at",
    "ml_features.predictions": "prediction_timestamp tank_id model_name model_version prediction_type prediction_value "
    "confidence_score prediction_horizon features_used created_at",
}
