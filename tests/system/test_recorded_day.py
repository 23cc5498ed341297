"""A real river day goes through the whole line, and everything that was read arrives everywhere, unaltered."""

import asyncio
import csv
from pathlib import Path

import pytest

import simulators
from tests.bench.recorded_day import SPEED, Outcome, run_day

RECORDING = Path(simulators.__file__).parent / "recordings" / "logan_river_2019-06-28.csv"


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    with RECORDING.open() as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    # Half as fast as it could be: on a busy machine a poll must still fall into its row of the recording.
    return asyncio.run(run_day(tmp_path_factory.mktemp("day"), SPEED / 2))


def test_nothing_is_lost_or_doubled(outcome: Outcome) -> None:
    assert len(outcome.stored) == 96 * 7  # five channels of one probe, two of the other
    assert outcome.lost == {"archive": 0, "http": 0}
    assert outcome.delivered == {"archive": 672, "http": 672}
    assert outcome.doubled["archive"] == 0


def test_every_value_is_the_recorded_one(outcome: Outcome, rows: list[dict[str, str]]) -> None:
    for sensor_type, column, tolerance in (("DissolvedOxygen", "do", 0.05), ("pH", "ph", 0.05)):
        stored = [row["value"] for row in outcome.stored if row["sensor_type"] == sensor_type]
        assert stored == pytest.approx([float(row[column]) for row in rows], abs=tolerance)


def test_what_the_probe_did_not_measure_stays_missing(outcome: Outcome, rows: list[dict[str, str]]) -> None:
    silent = [n for n, row in enumerate(rows) if float(row["temp"]) < -100]
    temperatures = [row for row in outcome.stored if row["sensor"] == "temperature" and row["probe"] == "odo"]
    assert [n for n, row in enumerate(temperatures) if row["value"] is None] == silent
    assert all(row["flag"] == 9 for row in temperatures if row["value"] is None)


def test_the_visit_of_the_technician_is_noticed(outcome: Outcome) -> None:
    flags = [row["flag"] for row in outcome.stored if row["sensor_type"] == "pH"]
    assert flags.index(4) == 13.5 * 4  # pH comes back 0.4 lower in the row of 13:30


def test_every_alarm_change_is_told_on_mqtt(outcome: Outcome) -> None:
    assert outcome.mqtt_events == len(outcome.alarms) > 0
