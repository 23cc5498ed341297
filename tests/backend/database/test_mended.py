"""What was broken in the original's SQL, and works now.

Of its functions that is in test_scores, of double and poisonous readings in test_rows, of aggregates that nobody filled
in test_aggregates.
"""

from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from tests.backend.database.rows import AT, PH, TANK, answer, ask, series


def test_a_week_of_readings_is_a_chunk_or_two_not_168(timescale_database: Connection[Any]) -> None:
    series(timescale_database, PH, "pH", [7.0] * 168, every=timedelta(hours=1))
    assert answer(timescale_database, "SELECT count(*) FROM show_chunks('sensor_data.readings')") in (1, 2)


def test_readings_go_into_the_columnstore_by_sensor_newest_first(timescale_database: Connection[Any]) -> None:
    assert ask(
        timescale_database,
        """SELECT segmentby, orderby FROM timescaledb_information.hypertable_compression_settings
           WHERE hypertable = 'sensor_data.readings'::regclass""",
    ) == [("sensor_id", '"time" DESC')]


def test_the_tables_with_chunks_are_those_with_time_in_their_key(timescale_database: Connection[Any]) -> None:
    hypertables = ask(
        timescale_database,
        """SELECT hypertable_schema || '.' || hypertable_name FROM timescaledb_information.hypertables
           WHERE NOT starts_with(hypertable_schema, '_') ORDER BY 1""",
    )
    assert hypertables == [("ml_features.predictions",), ("ml_features.tank_features",), ("sensor_data.readings",)]


def test_hours_and_days_are_continuous_aggregates_that_show_what_just_came(
    timescale_database: Connection[Any],
) -> None:
    assert ask(
        timescale_database,
        "SELECT view_name, materialized_only FROM timescaledb_information.continuous_aggregates ORDER BY 1",
    ) == [("daily_readings", False), ("hourly_readings", False)]


def test_an_alert_is_found_and_changed_by_its_id_alone(database: Connection[Any]) -> None:
    """create_hypertable(alerts, created_at) was refused, since its primary key lacks the partition column."""
    insert = """INSERT INTO sensor_data.alerts (id, tank_id, alert_type, severity, message)
                VALUES ('00000000-0000-0000-0000-000000000001', gen_random_uuid(), 'low', 'warning', 'low')"""
    database.execute(insert)
    with pytest.raises(psycopg.errors.UniqueViolation):
        database.execute(insert)
    assert answer(database, "SELECT created_at IS NOT NULL AND NOT is_resolved FROM sensor_data.alerts") is True


def test_features_computed_again_replace_those_of_their_version(database: Connection[Any]) -> None:
    """ON CONFLICT (feature_timestamp, tank_id) found no constraint."""
    for version, features in (("v1.0", "{}"), ("v1.0", '{"a": 1}'), ("v2.0", '{"a": 2}')):
        database.execute(
            """INSERT INTO ml_features.tank_features (feature_timestamp, tank_id, features, feature_version)
               VALUES (%s, %s, %s, %s)
               ON CONFLICT (feature_timestamp, tank_id, feature_version) DO UPDATE SET features = EXCLUDED.features""",
            [AT, TANK, features, version],
        )
    assert ask(database, "SELECT feature_version, features FROM ml_features.tank_features ORDER BY 1") == [
        ("v1.0", {"a": 1}),
        ("v2.0", {"a": 2}),
    ]


def test_a_model_may_look_several_horizons_ahead_but_each_once(database: Connection[Any]) -> None:
    for hours in (1, 6, 6):
        database.execute(
            """INSERT INTO ml_features.predictions (prediction_timestamp, tank_id, model_name, model_version,
                   prediction_type, prediction_value, prediction_horizon)
               VALUES (%s, %s, 'oxygen', '1', 'DissolvedOxygen', 6.0, %s) ON CONFLICT DO NOTHING""",
            [AT, TANK, timedelta(hours=hours)],
        )
    assert answer(database, "SELECT count(*) FROM ml_features.predictions") == 2
