"""The functions of the original, with values that were worked out by hand."""

from datetime import timedelta
from math import sqrt
from typing import Any
from uuid import UUID

import pytest
from psycopg import Connection

from tests.backend.database.rows import AT, OXYGEN, PH, TANK, TEMPERATURE, answer, ask, sensor, series

DAY = 288  # spans of 5 minutes


def health(connection: Connection[Any]) -> tuple[Any, ...]:
    """score, coverage, temperature, pH, oxygen, quality, penalty"""
    [row] = ask(connection, "SELECT * FROM analytics.tank_health(%s, 24, %s)", TANK, AT)
    return row


def score(connection: Connection[Any]) -> Any:
    return answer(connection, "SELECT analytics.calculate_tank_health_score(%s, 24, %s)", TANK, AT)


def steady_tank(connection: Connection[Any]) -> None:
    """25 and 26 °C in turns, pH 7.2 and 7.4 in turns, oxygen at 5: 288 readings each."""
    series(connection, TEMPERATURE, "Temperature", [25.0, 26.0] * (DAY // 2))
    series(connection, PH, "pH", [7.2, 7.4] * (DAY // 2))
    series(connection, OXYGEN, "DissolvedOxygen", [8.0] * (DAY - 1) + [5.0])


# n values that alternate between m - d and m + d have the sample deviation d·sqrt(n/(n-1)).
BIAS = sqrt(DAY / (DAY - 1))


def test_health_of_a_steady_tank(database: Connection[Any]) -> None:
    steady_tank(database)
    expected = (25 - 5 * 0.5 * BIAS) + (25 - 10 * 0.1 * BIAS) + 15 + 25
    assert score(database) == pytest.approx(expected)
    assert health(database) == pytest.approx((expected, 1.0, 25 - 2.5 * BIAS, 25 - BIAS, 15.0, 25.0, 0.0))


def test_quality_counts_and_unusable_readings_count_for_nothing_else(database: Connection[Any]) -> None:
    steady_tank(database)
    # A second probe, broken all day: 288 of now 1152 readings are worth 0.2.
    series(database, UUID(int=14), "Temperature", [99.0] * DAY, quality=0.2)
    assert health(database)[2] == pytest.approx(25 - 2.5 * BIAS)
    assert health(database)[5] == pytest.approx(25 * (3 * 1.0 + 0.2) / 4)


@pytest.mark.parametrize(("least", "points"), [(6.0, 25), (5.9, 15), (4.0, 15), (3.9, 5), (2.0, 5), (1.9, 0)])
def test_oxygen_is_judged_by_its_minimum(least: float, points: int, database: Connection[Any]) -> None:
    series(database, OXYGEN, "DissolvedOxygen", [9.0] * 5 + [least])
    assert health(database)[4] == points


def test_every_unresolved_alert_costs_five_until_it_is_resolved(database: Connection[Any]) -> None:
    steady_tank(database)
    before = score(database)
    for age, resolved in ((timedelta(hours=1), None), (timedelta(days=3), None), (timedelta(hours=5), AT)):
        database.execute(
            """INSERT INTO sensor_data.alerts (tank_id, alert_type, severity, message, created_at, is_resolved,
               resolved_at) VALUES (%s, 'low', 'warning', 'low', %s, %s, %s)""",
            [TANK, AT - age, resolved is not None, resolved],
        )
    assert score(database) == pytest.approx(before - 10)
    assert answer(database, "SELECT alert_penalty FROM analytics.tank_health(%s, 24, %s)", TANK, AT) == 10


def test_many_alerts_end_at_zero(database: Connection[Any]) -> None:
    steady_tank(database)
    database.execute(
        """INSERT INTO sensor_data.alerts (tank_id, alert_type, severity, message, created_at)
           SELECT %s, 'low', 'warning', 'low', %s FROM generate_series(1, 30)""",
        [TANK, AT],
    )
    assert score(database) == 0


def test_one_reading_is_no_stability(database: Connection[Any]) -> None:
    for each, sensor_type, value in (
        (TEMPERATURE, "Temperature", 25.0),
        (PH, "pH", 7.0),
        (OXYGEN, "DissolvedOxygen", 8.0),
    ):
        series(database, each, sensor_type, [value])
    row = health(database)
    assert row[:4] == (None, pytest.approx(1 / DAY), None, None)
    assert score(database) is None


@pytest.mark.parametrize(("readings", "known"), [(202, True), (201, False)])
def test_health_is_unknown_below_70_percent_of_the_day(readings: int, known: bool, database: Connection[Any]) -> None:
    steady_tank(database)
    database.execute("DELETE FROM sensor_data.readings WHERE sensor_id = %s", [PH])
    series(database, PH, "pH", [7.0] * readings)  # 0.7 · 288 = 201.6
    assert (score(database) is not None) is known
    assert health(database)[1] == pytest.approx(readings / DAY)


def test_an_hour_of_readings_each_second_is_an_hour(database: Connection[Any]) -> None:
    steady_tank(database)
    database.execute("DELETE FROM sensor_data.readings WHERE sensor_id = %s", [PH])
    series(database, PH, "pH", [7.0] * 3600, every=timedelta(seconds=1))
    assert health(database)[1] == pytest.approx(12 / DAY)


def test_a_sensor_that_is_expected_each_half_hour_covers_half_hours(database: Connection[Any]) -> None:
    steady_tank(database)
    database.execute("DELETE FROM sensor_data.readings WHERE sensor_id = %s", [PH])
    sensor(database, PH, "pH", timedelta(minutes=30))
    series(database, PH, "pH", [7.0] * 48, every=timedelta(minutes=30))
    assert health(database)[1] == 1.0


def test_a_tank_of_which_nothing_is_known_has_no_health(database: Connection[Any]) -> None:
    assert score(database) is None
    assert answer(database, "SELECT analytics.calculate_tank_health_score(gen_random_uuid())") is None


LAST = AT - timedelta(minutes=5)
"""The last of 7 · 288 readings of which the first begins a week of whole hours."""


def maintenance(connection: Connection[Any]) -> dict[str, Any]:
    """At the end of an hour."""
    at = AT - timedelta(seconds=1)
    found: dict[str, Any] = answer(connection, "SELECT analytics.calculate_maintenance_score(%s, 7, %s)", TANK, at)
    return found


def falling(by: float, start: float = 1.0) -> list[float]:
    """Qualities of seven days of 288 readings, each day lower by `by`."""
    return [start - by * day for day in range(7) for _ in range(DAY)]


def points(slope_per_day: float) -> float:
    """A million times the slope in 1/s."""
    return slope_per_day / 86_400 * 1e6


def test_maintenance_of_two_sensors_one_of_which_was_silent_half_the_week(database: Connection[Any]) -> None:
    sensor(database, TEMPERATURE, "Temperature")
    sensor(database, PH, "pH")
    series(database, TEMPERATURE, "Temperature", [25.0] * 7 * DAY, until=LAST, quality=falling(0.02))
    database.execute("UPDATE sensor_data.sensors SET installation_date = '2026-01-01'")
    series(database, PH, "pH", [7.0] * (7 * DAY // 2), until=LAST - timedelta(days=3.5), quality=0.96)
    # Daily means: 1.00+.96, .98+.96, .96+.96 halved; then .94 with half a day of .96; then .92, .90, .88 alone.
    means = [0.98, 0.97, 0.96, (0.94 * 288 + 0.96 * 144) / 432, 0.92, 0.90, 0.88]
    slope = sum((day - 3) * mean for day, mean in enumerate(means)) / 28
    found = maintenance(database)
    assert found["quality_trend_per_day"] == pytest.approx(slope)
    assert found["sensor_degradation"] == pytest.approx(points(-slope))
    assert found["reading_frequency_issues"] == pytest.approx(25)
    assert found["anomaly_frequency"] == 0
    assert found["maintenance_score"] == pytest.approx(0.4 * points(-slope) + 0.3 * 25)
    assert found["recommendation"] == "System operating normally"


def test_a_collapse_of_quality_is_told_and_a_recovery_is_none(database: Connection[Any]) -> None:
    sensor(database, PH, "pH")
    series(database, PH, "pH", [7.0] * 7 * DAY, until=LAST, quality=falling(0.1))
    collapse = maintenance(database)
    assert collapse["quality_trend_per_day"] == pytest.approx(-0.1)
    assert collapse["sensor_degradation"] == pytest.approx(points(0.1))
    assert collapse["maintenance_score"] == pytest.approx(0.4 * points(0.1))
    database.execute("TRUNCATE sensor_data.readings")
    series(database, PH, "pH", [7.0] * 7 * DAY, until=LAST, quality=falling(0.1)[::-1])
    recovery = maintenance(database)
    assert recovery["quality_trend_per_day"] == pytest.approx(0.1)
    assert recovery["sensor_degradation"] == 0
    assert recovery["maintenance_score"] == 0


def test_anomalies_cost_ten_for_each_a_day(database: Connection[Any]) -> None:
    sensor(database, PH, "pH")
    values = [7.0, 7.1] * (7 * DAY // 2)
    values[500] = values[1500] = 9.0
    series(database, PH, "pH", values, until=LAST)
    found = maintenance(database)
    assert found["anomaly_frequency"] == pytest.approx(2 * 10 / 7)
    assert found["maintenance_score"] == pytest.approx(0.3 * 20 / 7)


def test_a_sensor_that_reports_each_minute_scores_like_one_of_each_five(database: Connection[Any]) -> None:
    sensor(database, PH, "pH", timedelta(minutes=1))
    values = [7.0, 7.1] * (7 * DAY // 2)
    values[500] = 9.0
    each_minute = [value for value in values for _ in range(5)]
    series(database, PH, "pH", each_minute, every=timedelta(minutes=1), until=AT - timedelta(minutes=1))
    found = maintenance(database)
    assert found["reading_frequency_issues"] == 0
    assert found["anomaly_frequency"] == pytest.approx(10 / 7)


def test_nothing_counts_for_more_than_a_hundred(database: Connection[Any]) -> None:
    sensor(database, PH, "pH")
    values = [7.0] * 8 * DAY
    values[DAY::12] = [9.0] * (7 * DAY // 12)
    series(database, PH, "pH", values, until=LAST)
    assert maintenance(database)["anomaly_frequency"] == 100


def test_a_probe_that_fell_silent_is_missing_since(database: Connection[Any]) -> None:
    sensor(database, PH, "pH")
    database.execute("UPDATE sensor_data.sensors SET installation_date = '2026-01-01'")
    series(database, PH, "pH", [7.0, None], until=LAST, every=timedelta(days=6), quality=[1.0, 0.0])
    found = maintenance(database)
    assert found["sensor_degradation"] == pytest.approx(points(1 / 6))
    assert found["reading_frequency_issues"] == pytest.approx(100 * (1 - 1 / (7 * DAY)))


def test_a_tank_whose_probes_all_fail_has_a_score(database: Connection[Any]) -> None:
    assert maintenance(database)["maintenance_score"] is None, "there is no sensor"
    sensor(database, PH, "pH")
    series(database, PH, "pH", [None] * 7 * DAY, until=LAST, quality=0.0)
    found = maintenance(database)
    assert (found["sensor_degradation"], found["reading_frequency_issues"], found["anomaly_frequency"]) == (0, 100, 0)
    assert found["maintenance_score"] == pytest.approx(30)


def test_a_sensor_of_yesterday_is_not_missing_the_week_before(database: Connection[Any]) -> None:
    sensor(database, PH, "pH")
    series(database, PH, "pH", [7.0] * 2 * DAY, until=LAST)
    assert maintenance(database)["reading_frequency_issues"] == pytest.approx(0)


def test_maintenance_of_an_empty_tank_is_unknown(database: Connection[Any]) -> None:
    found = maintenance(database)
    assert found["maintenance_score"] is None
    assert found["recommendation"] == "Not enough readings to judge"


def test_anomalies_are_found_in_the_last_hour_against_the_day(database: Connection[Any]) -> None:
    values = [7.0, 7.2] * (DAY // 2)
    values[-1] = 8.0
    series(database, PH, "pH", values)
    series(database, PH, "pH", [50.0], until=AT - timedelta(minutes=1), quality=0.6)  # not usable
    rows = ask(database, "SELECT * FROM sensor_data.detect_anomalies(%s, 24, 3.0, %s)", PH, AT)
    mean = sum(values) / DAY
    deviation = sqrt(sum((value - mean) ** 2 for value in values) / (DAY - 1))
    assert [time for time, *_ in rows] == [AT - timedelta(minutes=5 * back) for back in range(13)]
    assert rows[0][1:] == (8.0, pytest.approx((8.0 - mean) / deviation), True)
    assert [anomaly for *_, anomaly in rows[1:]] == [False] * 12


def test_nothing_is_told_of_a_single_reading(database: Connection[Any]) -> None:
    series(database, PH, "pH", [7.0])
    assert ask(
        database, "SELECT value, z_score, is_anomaly FROM sensor_data.detect_anomalies(%s, 24, 3.0, %s)", PH, AT
    ) == [(7.0, None, None)]


def test_the_functions_are_called_as_in_the_original(database: Connection[Any]) -> None:
    assert ask(database, "SELECT * FROM sensor_data.detect_anomalies(%s)", PH) == []
    assert answer(database, "SELECT analytics.calculate_tank_health_score(%s, 24)", TANK) is None
    assert answer(database, "SELECT analytics.calculate_maintenance_score(%s, 7) ? 'calculated_at'", TANK) is True
