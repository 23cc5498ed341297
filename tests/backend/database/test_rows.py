"""What gateways deliver becomes the right rows, however often and in whatever order it comes."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import permutations
from threading import Barrier
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from psycopg import Connection

from agent.domain.reading import Flag
from cloud_sync.contract.health_record import health_record
from cloud_sync.contract.record import Record
from cloud_sync.contract.records import record
from cloud_sync.contract.rows import statements
from cloud_sync.contract.topics import SENSOR_ANOMALIES, SENSOR_GAPS, SENSOR_READINGS
from tests.backend.database.rows import answer, ask, write
from tests.cloud_sync.things import (
    GATEWAY,
    NOON_US,
    OXYGEN,
    TANK,
    WARMTH,
    change,
    gap,
    health,
    reading,
    records,
    rollup,
)
from tests.services.postgres import Postgres


def altered(one: Record, **fields: object) -> Record:
    return one._replace(body={**one.body, **fields})


def told(one: Record, **metadata: object) -> Record:
    return altered(one, metadata={**one.body["metadata"], **metadata})


def test_a_reading_is_the_row_that_the_contract_says(database: Connection[Any]) -> None:
    one = record(reading(1), GATEWAY)
    assert write(database, [one]) == 1
    row = ask(
        database,
        """SELECT time, sensor_id, tank_id, sensor_type, value, quality_score, metadata, created_at IS NOT NULL
           FROM sensor_data.readings""",
    )
    time = answer(database, "SELECT %s::timestamptz", one.body["time"])
    assert row == [
        (time, OXYGEN.sensor_id, TANK.tank_id, "DissolvedOxygen", 7.25, 1.0, dict(one.body["metadata"]), True)
    ]


def test_a_missing_reading_is_a_row_without_a_value(database: Connection[Any]) -> None:
    write(database, [record(reading(1, value=None), GATEWAY)])
    assert ask(
        database, "SELECT value, metadata ->> 'reason', (metadata ->> 'flag')::int FROM sensor_data.readings"
    ) == [(None, "no reply in 1.0 s", Flag.MISSING)]


def test_a_batch_sent_again_adds_nothing(database: Connection[Any]) -> None:
    batch = records(1, 50)
    assert write(database, batch) == 50
    assert write(database, batch) == 0
    assert write(database, [*batch, *records(40, 60), *records(55, 60)]) == 10
    assert answer(database, "SELECT count(*) FROM sensor_data.readings") == 60


def test_what_a_garbled_reply_brings_into_a_reason_is_storable(database: Connection[Any]) -> None:
    garbled = told(record(reading(1, value=None), GATEWAY), reason="got \0\udc80 °C\n\\u0000")
    write(database, [garbled])
    assert answer(database, "SELECT metadata ->> 'reason' FROM sensor_data.readings") == "got \ufffd\ufffd °C\n\\u0000"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e155])
def test_a_value_that_would_poison_every_mean_is_refused(value: float, database: Connection[Any]) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match="readings_value_is_finite"):
        write(database, [record(reading(1), GATEWAY), altered(record(reading(2), GATEWAY), value=value)])
    assert answer(database, "SELECT count(*) FROM sensor_data.readings") == 0


@pytest.mark.parametrize("quality", [-0.1, 1.1, float("nan")])
def test_a_quality_outside_0_to_1_is_refused(quality: float, database: Connection[Any]) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match="readings_quality_is_a_share"):
        write(database, [altered(record(reading(1), GATEWAY), quality_score=quality)])


@given(st.lists(st.one_of(st.none(), st.text(alphabet=st.characters(exclude_categories=[])))))
@example(["NULL", None, "", '"', "\\", '\\"', "{a,b}", " ", "\n", "%s", "\0", "\ud800"])
def test_every_text_arrives_as_it_was(postgres: Postgres, texts: list[str | None]) -> None:
    gaps = [{**record(gap(1), GATEWAY).body, "reason": text, "metadata": {**METADATA, "text": text}} for text in texts]
    [(_, columns)] = statements(SENSOR_GAPS, gaps) or [("", [""] * 12)]
    with psycopg.connect(postgres.socket_dsn) as connection:
        rows = connection.execute(
            "SELECT reason, metadata ->> 'text' FROM unnest(%s::text[], %s::jsonb[]) x (reason, metadata)",
            [columns[8] or "{}", columns[11] or "{}"],
        ).fetchall()
    expected = [text and re.sub("[\0\ud800-\udfff]", "\ufffd", text) for text in texts]
    assert rows == [(text, text) for text in expected]


def test_rollups_and_gaps_come_once(database: Connection[Any]) -> None:
    parts = [record(rollup(7), GATEWAY), record(replace(rollup(8), first_seq=160), GATEWAY)]
    assert write(database, parts) == 2
    assert write(database, parts) == 0
    assert ask(
        database,
        """SELECT count_readings, usable_readings, min_value, avg_value, max_value, flag, quality_score
           FROM sensor_data.rollups WHERE sequence = 7""",
    ) == [(60, 58, 6.5, 7.0, 7.25, Flag.SUSPECT, 0.9)]
    gaps = [record(gap(1), GATEWAY), record(gap(2, count=None), GATEWAY)]
    assert write(database, gaps) == 2
    assert write(database, gaps) == 0
    assert ask(database, "SELECT gateway, sink, count, reason FROM sensor_data.gaps ORDER BY sequence") == [
        (GATEWAY, "archive", 100, "the ring buffer was full"),
        (GATEWAY, "archive", None, "the ring buffer was full"),
    ]


def test_the_health_of_a_gateway_comes_once(database: Connection[Any]) -> None:
    told = [health_record(health(1), GATEWAY), health_record(health(2), GATEWAY)]
    assert write(database, told) == 2
    assert write(database, told) == 0
    [row] = ask(
        database,
        """SELECT gateway, version, uptime_s, readings_per_s, alarms_standing, store, sinks, machine
           FROM sensor_data.gateway_health WHERE metadata ->> 'sequence' = '1'""",
    )
    body = told[0].body
    assert row == (GATEWAY, "0.1.0", 3600.5, 19.5, 1, body["store"], body["sinks"], body["machine"])


def test_an_anomaly_comes_once_from_each_detector(database: Connection[Any]) -> None:
    body: dict[str, Any] = {
        "time": "2026-11-23T12:00:00.000000Z", "sensor_id": str(OXYGEN.sensor_id), "tank_id": str(TANK.tank_id),
        "sensor_type": "DissolvedOxygen", "value": 2.0, "detector": "z-score-24h", "score": 4.5, "threshold": 3.0,
        "expected_mean": 7.0, "expected_stddev": 1.1, "window_start": "2026-11-22T12:00:00.000000Z",
        "window_end": None, "reason": "far off", "metadata": {"gateway": GATEWAY, "unit": "mg/L"},
    }  # fmt: skip
    one = Record(1, SENSOR_ANOMALIES, body["sensor_id"], NOON_US, body)
    assert write(database, [one, one, altered(one, detector="forest", score=None)]) == 2
    assert write(database, [one]) == 0
    assert ask(database, "SELECT detector, score, expected_mean, window_end FROM analytics.anomalies ORDER BY 1") == [
        ("forest", None, 7.0, None),
        ("z-score-24h", 4.5, 7.0, None),
    ]


METADATA = {"gateway": GATEWAY, "epoch": "", "sequence": 1}
ALERTS = """SELECT id, tank_id, sensor_id, alert_type, severity, message, threshold_value, actual_value, is_resolved,
                   resolved_at, resolved_by, metadata, created_at FROM sensor_data.alerts"""


def test_raising_and_clearing_complete_one_row_in_whatever_order_and_batches(database: Connection[Any]) -> None:
    raised = altered(record(change(1), GATEWAY), message="oxygen is low", actual_value=3.9)
    again = altered(record(change(2), GATEWAY), message="oxygen is still low")
    cleared = altered(record(change(3, active=False), GATEWAY), message="oxygen is well", actual_value=None)
    rows = []
    for order in permutations([raised, again, cleared, cleared]):
        for batches in ([list(order)], [[one] for one in order]):
            database.execute("TRUNCATE sensor_data.alerts")
            for batch in batches:
                write(database, batch)
            rows += ask(database, ALERTS)
    assert len(rows) == 48
    assert all(row == rows[0] for row in rows)
    names = ALERTS.removeprefix("SELECT").partition("FROM")[0].split(",")
    row = dict(zip(map(str.strip, names), rows[0], strict=True))
    assert (row["message"], row["actual_value"], row["is_resolved"]) == ("oxygen is low", 3.9, True)
    assert row["created_at"] < row["resolved_at"]
    assert row["metadata"]["sequence"] == 1
    assert row["metadata"]["cleared"]["sequence"] == 3
    assert row["metadata"]["cleared"]["message"] == "oxygen is well"


def test_a_clearing_alone_tells_what_it_knows(database: Connection[Any]) -> None:
    write(database, [record(change(1, active=False), GATEWAY)])
    assert ask(database, "SELECT is_resolved, created_at, message FROM sensor_data.alerts") == [
        (True, None, "oxygen is low")
    ]


def test_another_occurrence_is_another_row(database: Connection[Any]) -> None:
    write(database, [record(change(1), GATEWAY), record(change(2, raised="boot-a/99000"), GATEWAY)])
    assert answer(database, "SELECT count(*) FROM sensor_data.alerts") == 2


def test_who_resolved_it_by_hand_stays_named(database: Connection[Any]) -> None:
    write(database, [record(change(1), GATEWAY)])
    database.execute("UPDATE sensor_data.alerts SET is_resolved = true, resolved_by = 'Ana', resolved_at = created_at")
    write(database, [record(change(2, active=False), GATEWAY)])
    assert ask(database, "SELECT resolved_by, resolved_at = created_at FROM sensor_data.alerts") == [("Ana", True)]


def test_a_sensor_and_its_tank_are_known_from_its_first_reading(database: Connection[Any]) -> None:
    write(database, [record(reading(1), GATEWAY), record(reading(2, sensor=WARMTH), GATEWAY)])
    assert ask(database, "SELECT id, name, status, gateway, capacity_value FROM sensor_data.tanks") == [
        (TANK.tank_id, "tank-3", "Active", GATEWAY, None)
    ]
    assert ask(
        database, "SELECT id, tank_id, sensor_type, unit, probe, serial_number FROM sensor_data.sensors ORDER BY id"
    ) == [
        (OXYGEN.sensor_id, TANK.tank_id, "DissolvedOxygen", "mg/L", "do-1", None),
        (WARMTH.sensor_id, TANK.tank_id, "Temperature", "°C", "do-1", None),
    ]


@pytest.mark.parametrize("thing", [change(1), rollup(1)], ids=["alert", "rollup"])
def test_a_sensor_is_known_also_from_an_alert_or_a_rollup(thing: Any, database: Connection[Any]) -> None:
    write(database, [record(thing, GATEWAY)])
    assert ask(database, "SELECT id, sensor_type FROM sensor_data.sensors") == [(OXYGEN.sensor_id, "DissolvedOxygen")]


def test_two_farms_may_each_have_a_tank_of_the_same_name(database: Connection[Any]) -> None:
    other = altered(record(reading(2, sensor=WARMTH), "farm-2"), tank_id=str(UUID(int=99)))
    write(database, [record(reading(1), GATEWAY), other])
    assert ask(database, "SELECT name, gateway FROM sensor_data.tanks ORDER BY gateway") == [
        ("tank-3", "farm-1"),
        ("tank-3", "farm-2"),
    ]


def test_news_of_a_sensor_is_taken_from_the_newest_reading_not_from_the_last_to_come(
    database: Connection[Any],
) -> None:
    write(database, [told(record(reading(5), GATEWAY), probe="do-2")])
    write(database, [told(record(reading(1), GATEWAY), probe="do-1")])  # from a backlog
    assert answer(database, "SELECT probe FROM sensor_data.sensors") == "do-2"
    write(database, [told(record(reading(9), GATEWAY), probe="do-3"), told(record(reading(7), GATEWAY), probe="do-2")])
    assert answer(database, "SELECT probe FROM sensor_data.sensors") == "do-3"


def test_readings_that_tell_nothing_new_leave_the_registry_untouched(database: Connection[Any]) -> None:
    rows = "SELECT ctid::text, xmin::text, xmax::text FROM sensor_data.sensors"
    write(database, records(1, 5))
    before = ask(database, rows)
    write(database, records(6, 10))
    assert ask(database, rows) == before


def test_what_people_entered_stays(database: Connection[Any]) -> None:
    database.execute(
        "INSERT INTO sensor_data.sensors (id, tank_id, sensor_type, serial_number) VALUES (%s, %s, 'pH', 'DO-1234')",
        [OXYGEN.sensor_id, UUID(int=5)],
    )
    write(database, [record(reading(1), GATEWAY)])
    assert ask(database, "SELECT tank_id, sensor_type, serial_number FROM sensor_data.sensors") == [
        (TANK.tank_id, "DissolvedOxygen", "DO-1234")
    ]


def test_two_who_write_the_same_at_once_do_not_block_each_other(postgres: Postgres, template: str) -> None:
    """As a gateway with a sink of its own and the ingestion do."""
    bodies = [one.body for one in records(1, 4000)]
    together = Barrier(2)

    def run(turn: int) -> None:
        (sql, columns), *_ = statements(SENSOR_READINGS, bodies[::turn])
        with psycopg.connect(dsn) as connection:
            for _ in range(5):
                with connection.transaction(force_rollback=True):
                    together.wait(20)
                    connection.execute(sql, columns)

    with postgres.fresh(template) as dsn, ThreadPoolExecutor(2) as threads:
        list(threads.map(run, [1, -1]))


def test_nothing_to_write_is_no_statement() -> None:
    assert statements("sensor-readings", []) == []


def test_a_topic_without_a_table_is_an_error() -> None:
    with pytest.raises(KeyError):
        statements("sensor-secrets", [record(reading(1, NOON_US), GATEWAY).body])
