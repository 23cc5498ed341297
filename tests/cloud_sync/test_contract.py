"""What leaves the gateway has the shape of the contract."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.checks import CHECKS
from agent.domain.clock import Instant
from agent.domain.reading import CheckedReading, Flag, Reading, StoredReading
from cloud_sync.contract.jsontext import json_bytes
from cloud_sync.contract.record import identity
from cloud_sync.contract.records import record
from cloud_sync.contract.schemas import schema
from cloud_sync.contract.timestamps import iso_utc, utc_day
from cloud_sync.contract.topics import SENSOR_READINGS
from tests.cloud_sync.things import EPOCH, GATEWAY, NOON_US, OXYGEN, TANK, change, gap, instant, reading, rollup


@given(st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999_999)))
def test_times_are_written_as_datetime_writes_them(naive: datetime) -> None:
    time = naive.replace(tzinfo=UTC)
    since = time - datetime(1970, 1, 1, tzinfo=UTC)
    utc_us = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    assert iso_utc(utc_us) == naive.isoformat(timespec="microseconds") + "Z"
    assert utc_day(utc_us) == naive.date().isoformat()


def test_a_reading() -> None:
    made = record(reading(7), GATEWAY)
    assert (made.seq, made.topic, made.key) == (7, "sensor-readings", str(OXYGEN.sensor_id))
    assert json.loads(json_bytes(made.body)) == {
        "time": "2026-11-23T12:00:00.007000Z",
        "sensor_id": str(OXYGEN.sensor_id),
        "tank_id": str(TANK.tank_id),
        "sensor_type": "DissolvedOxygen",
        "value": 7.25,
        "quality_score": 1.0,
        "metadata": {
            "flag": 1,
            "tests": "11111",
            "reason": None,
            "gateway": "farm-1",
            "tank": "tank-3",
            "probe": "do-1",
            "unit": "mg/L",
            "boot_id": "boot-a",
            "boot_s": 12.5,
            "clock": "synchronised",
            "epoch": EPOCH,
            "sequence": 7,
        },
    }


@pytest.mark.parametrize(
    ("trusted", "corrected", "clock"),
    [(True, False, "synchronised"), (True, True, "corrected"), (False, False, "bounded"), (False, True, "bounded")],
)
def test_how_good_the_time_is(trusted: bool, corrected: bool, clock: str) -> None:
    at = Instant(NOON_US, 12.5, "boot-a", trusted, corrected)
    stored = reading(7)._replace(checked=reading(7).checked._replace(reading=Reading(OXYGEN, at, 7.25)))
    assert record(stored, GATEWAY).body["metadata"]["clock"] == clock
    assert record(replace(change(1), at=at), GATEWAY).body["metadata"]["clock"] == clock


def test_a_missing_value_is_null_with_its_reason() -> None:
    body = record(reading(7, value=None), GATEWAY).body
    assert body["value"] is None
    assert (body["metadata"]["flag"], body["metadata"]["reason"]) == (9, "no reply in 1.0 s")


@given(st.floats(), st.floats(), st.text())
def test_whatever_was_measured_becomes_json_with_finite_numbers(value: float, quality: float, because: str) -> None:
    checked = CheckedReading(Reading(OXYGEN, instant(), value), Flag.SUSPECT, quality, "3", because)
    text = json_bytes(record(StoredReading(1, checked), GATEWAY).body)
    assert b"\n" not in text

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    body = json.loads(text, parse_constant=refuse)
    assert body["value"] == value or (body["value"] is None and body["metadata"]["flag"] == 9)
    assert 0.0 <= body["quality_score"] <= 1.0


def test_a_lone_surrogate_is_escaped() -> None:
    assert json.loads(json_bytes({"reason": "\udc80°"})) == {"reason": "\udc80°"}


def test_raising_and_clearing_of_an_alarm_share_a_row() -> None:
    raised, cleared = record(change(1), GATEWAY).body, record(change(2, active=False), GATEWAY).body
    assert raised["id"] == cleared["id"] == str(UUID(raised["id"]))
    assert record(change(3, occurrence=1, raised="boot-a/99000"), GATEWAY).body["id"] != raised["id"]
    counted_anew = record(change(3, active=False, occurrence=7), GATEWAY).body
    assert counted_anew["id"] == raised["id"], "the count may begin anew while the alarm stands"
    assert (raised["created_at"], raised["is_resolved"], raised["resolved_at"]) == (raised["time"], False, None)
    assert (cleared["created_at"], cleared["is_resolved"], cleared["resolved_at"]) == (None, True, cleared["time"])
    columns = {"id", "tank_id", "sensor_id", "alert_type", "severity", "message", "threshold_value", "actual_value"}
    columns |= {"is_resolved", "resolved_at", "resolved_by", "metadata", "created_at"}
    assert set(raised) == columns | {"time"}
    assert (raised["alert_type"], raised["severity"], raised["threshold_value"]) == ("critical_low", "critical", 4.0)


def test_a_gap_tells_what_is_lost() -> None:
    made = record(gap(4), GATEWAY)
    assert (made.topic, made.key, made.time_us) == ("sensor-gaps", GATEWAY, NOON_US + 5)
    assert (made.body["first_sequence"], made.body["last_sequence"], made.body["count"]) == (100, 199, 100)
    assert made.body["reason"] == "the ring buffer was full"
    assert made.body["metadata"] == {"gateway": GATEWAY, "epoch": EPOCH, "sequence": 4}
    assert json.loads(json_bytes(record(gap(4, count=None), GATEWAY).body))["count"] is None


def test_a_rollup_is_a_minute_of_a_sensor() -> None:
    made = record(rollup(9), GATEWAY)
    assert (made.seq, made.topic, made.key, made.time_us) == (9, "sensor-rollups", str(OXYGEN.sensor_id), NOON_US)
    assert json.loads(json_bytes(made.body)) == {
        "time": "2026-11-23T12:00:00.000000Z",
        "sensor_id": str(OXYGEN.sensor_id),
        "tank_id": str(TANK.tank_id),
        "sensor_type": "DissolvedOxygen",
        "count": 60,
        "usable": 58,
        "min": 6.5,
        "mean": 7.0,
        "max": 7.25,
        "flag": 3,
        "quality_score": 0.9,
        "metadata": {
            "gateway": "farm-1",
            "tank": "tank-3",
            "probe": "do-1",
            "unit": "mg/L",
            "clock_trusted": True,
            "first_sequence": 100,
            "last_sequence": 159,
            "epoch": EPOCH,
            "sequence": 9,
        },
    }
    nothing_usable = record(replace(rollup(9), usable=0, least=None, mean=None, greatest=None), GATEWAY)
    assert (nothing_usable.body["min"], nothing_usable.body["mean"], nothing_usable.body["max"]) == (None, None, None)


def test_no_two_things_of_a_topic_have_one_identity() -> None:
    readings = [reading(1), reading(2, NOON_US + 1000), reading(1)._replace(epoch="epoch-b"), reading(1, NOON_US)]
    gaps = [gap(1), gap(2), replace(gap(1), epoch="epoch-b")]
    rollups = [rollup(1), rollup(2), replace(rollup(1), epoch="epoch-b"), replace(rollup(1), minute_us=NOON_US + 60)]
    changes = [change(1), change(2), replace(change(3, active=False), at=change(1).at)]
    for things in (readings, gaps, rollups, changes):
        identities = {identity(record(thing, GATEWAY).body) for thing in things}
        assert len(identities) == len(things)
    assert identity(record(gap(1), GATEWAY).body) != identity(record(gap(1), "farm-2").body)


def test_the_schema_says_which_digit_is_which_check() -> None:
    metadata = next(field for field in schema(SENSOR_READINGS)["fields"] if field["name"] == "metadata")
    doc = next(field["doc"] for field in metadata["type"]["fields"] if field["name"] == "tests")
    told = doc.removeprefix("One flag digit a check: ").partition(";")[0].split(", ")
    assert told == list(CHECKS)[: len(told)]
