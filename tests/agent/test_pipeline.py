"""One reading's way: checked, watched, told, kept."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from agent.alarm_messages import event_json, sentence, state_json
from agent.checks import CHECKS, gross_range, rate_of_change, spike
from agent.checks.sensor_checks import SensorChecks
from agent.domain.alarm import BY_ITSELF, Alarm, AlarmChange, AlarmKind, Event, Standing
from agent.domain.reading import CheckedReading, Flag, Reading
from agent.pipeline import Pipeline
from agent.store.memory import Remembered
from agent.store.writer import Writer
from agent.warmth import LONGEST_S
from tests.agent.farm import NO_DATA, NOON_US, OXYGEN, WARMTH, alarm, at, reading, values
from tests.clock import FakeClock

LIMITS = {
    "gross_range": gross_range.Limits(OXYGEN.span),
    "spike": spike.Limits(0.76, 2.28),
    "rate_of_change": rate_of_change.Limits(3.0, over_s=5.0),
}
AT_ONCE = alarm(on_delay_s=0, off_delay_s=0)
FAILED = alarm(AlarmKind.SENSOR_FAILED, None, 0.0, 30.0, 0.0)


class House:
    """A pipeline, and what came out of it in the order it came."""

    def __init__(self, *alarms: Alarm) -> None:
        self.kept: list[CheckedReading] = []
        self.changes: list[AlarmChange] = []
        self.events: list[str] = []
        checks = {OXYGEN: SensorChecks(LIMITS), WARMTH: SensorChecks({})}
        self.pipeline = Pipeline(checks, alarms, self.keep, self.tell)

    def keep(self, readings: Iterable[CheckedReading], changes: Sequence[AlarmChange]) -> None:
        self.events.append("kept")
        self.kept += readings
        assert list(changes) == self.changes[len(self.changes) - len(changes) :]

    def tell(self, changes: Sequence[AlarmChange]) -> None:
        self.events.append("told")
        self.changes += changes

    def hears(self, *told: tuple[float, float | None]) -> "House":
        for boot_s, value in told:
            self.pipeline.take_in([reading(boot_s, value)])
        return self


def test_an_alarm_is_told_before_anything_is_kept() -> None:
    house = House(AT_ONCE).hears((0, 5.0))
    assert house.events == ["told", "kept"]
    assert (house.changes[0].alarm, house.changes[0].standing.active, house.changes[0].value) == (AT_ONCE, True, 5.0)


def test_every_reading_is_kept_and_the_newest_of_each_sensor_is_on_show() -> None:
    house = House()
    house.pipeline.take_in([reading(0, 8.0), reading(0, 15.0, WARMTH)])
    house.pipeline.take_in([reading(5, None), reading(5, 15.1, WARMTH)])
    assert values(house.kept) == [8.0, 15.0, None, 15.1]
    assert house.pipeline.latest == {OXYGEN: house.kept[2], WARMTH: house.kept[3]}


def test_change_numbers_grow_across_restarts_and_a_clock_that_stepped_back() -> None:
    first = House(AT_ONCE).hears((0, 5.0), (1, 8.0), (1, 5.0))
    second = House(AT_ONCE)
    second.pipeline.resume(first.changes[-1:], at(0.0))
    a_week_ago = NOON_US - 7 * 86_400_000_000
    for n, value in enumerate((8.0, 5.0, 8.0)):
        second.pipeline.take_in([Reading(OXYGEN, at(5.0 + n, a_week_ago + n), value)])
    numbers = [change.seq for change in first.changes + second.changes]
    assert len(numbers) == 6
    assert numbers == sorted(set(numbers))
    assert [change.standing.occurrence for change in first.changes + second.changes] == [1, 1, 2, 2, 3, 3]


def test_change_numbers_grow_even_when_the_log_could_not_be_read() -> None:
    before = House(AT_ONCE).hears((0, 5.0))
    after = House(AT_ONCE).hears((60, 5.0))
    assert after.changes[0].seq > before.changes[0].seq


def test_alarms_stand_after_a_restart_as_they_stood_before() -> None:
    before = House(AT_ONCE, NO_DATA).hears((0, 5.0))
    after = House(AT_ONCE, NO_DATA)
    after.pipeline.resume(before.changes, at(0.0))
    assert after.hears((60, 5.0)).changes == []
    assert [change.standing.active for change in after.hears((61, 8.0)).changes] == [False]


def test_an_alarm_that_is_not_configured_any_more_is_cleared_once() -> None:
    before = House(AT_ONCE, NO_DATA).hears((0, 5.0))
    after = House(NO_DATA)
    after.pipeline.resume(before.changes, at(60.0))
    (cleared,) = after.changes
    assert (cleared.alarm, cleared.standing.active, cleared.standing.occurrence) == (AT_ONCE, False, 1)
    assert cleared.seq > before.changes[0].seq
    assert "not configured any more" in cleared.message
    assert after.events == ["told", "kept"]
    later = House(NO_DATA)
    later.pipeline.resume(after.changes, at(120.0))
    assert later.changes == []


def remembered(folder: Path, house: House, boot_s: float) -> list[Remembered]:
    """What a ring buffer with these readings tells after a restart."""
    memory: list[Remembered] = []
    writer = Writer(folder / "ring-buffer.sqlite", 10_000_000, [], FakeClock().now)
    try:
        writer.write(house.kept, [], [])
        writer.recall(at(boot_s), house.pipeline.memory_s, memory.append)
        return memory
    finally:
        writer.close()


def test_a_restart_does_not_change_what_spike_and_rate_say(tmp_path: Path) -> None:
    before = [(n * 5.0, 8.0 + n % 3 / 10) for n in range(20)]
    later = [(100.0, 8.1), (105.0, 11.0), (110.0, None), (115.0, 8.2), (120.0, 8.9), (125.0, 8.2)]
    uninterrupted = House().hears(*before, *later)
    resumed = House()
    for past in remembered(tmp_path, House().hears(*before), 100.0):
        resumed.pipeline.remember(past)
    resumed.hears(*later)
    assert [one.tests for one in resumed.kept] == [one.tests for one in uninterrupted.kept[20:]]
    assert [one.because for one in resumed.kept] == [one.because for one in uninterrupted.kept[20:]]
    assert {one.flag for one in resumed.kept} == {Flag.GOOD, Flag.SUSPECT, Flag.FAIL, Flag.MISSING}


@pytest.mark.parametrize(("said", "which"), [(5.0, alarm()), (None, NO_DATA), (-3.0, FAILED)])
def test_a_delay_that_ran_goes_on_after_a_restart(said: float | None, which: Alarm, tmp_path: Path) -> None:
    step_s = which.on_delay_s / 5
    before = House(which).hears((0, 8.0), *((n * step_s, said) for n in range(1, 5)))
    down_s = 1000.0
    after = House(which)
    for past in remembered(tmp_path, before, 4 * step_s):
        after.pipeline.remember(past)
    after.pipeline.resume(before.changes, at(4 * step_s))
    assert before.changes == after.changes == []
    assert after.hears((4 * step_s + down_s, said), (5 * step_s + down_s, said)).changes == []
    assert after.hears((6 * step_s + down_s, said)).changes[0].standing.active
    fresh = House(which).hears(*((n * step_s + down_s, said) for n in range(4, 7)))
    assert fresh.changes == []


def test_what_led_to_the_last_change_is_not_counted_again(tmp_path: Path) -> None:
    before = House(alarm()).hears((0, 5.8), (10, 5.8), (15, 6.4))
    after = House(alarm())
    for past in remembered(tmp_path, before, 15.0):
        after.pipeline.remember(past)
    after.pipeline.resume(before.changes, at(15.0))
    assert after.hears((20, 6.4), (35, 6.4)).changes == []
    assert not after.hears((40, 6.4)).changes[0].standing.active


def test_what_is_remembered_of_sensors_that_are_gone_is_left_alone(tmp_path: Path) -> None:
    house = House()
    memory = remembered(tmp_path, House().hears((0, 8.0)), 5.0)
    pipeline = Pipeline({WARMTH: SensorChecks({})}, [], house.keep, house.tell)
    for past in memory:
        pipeline.remember(past)
    assert memory


def test_a_limit_by_temperature_follows_the_water_and_is_the_strictest_without(tmp_path: Path) -> None:
    house = House(replace(AT_ONCE, limit=9.0, by_temperature=((10.0, 5.0), (20.0, 9.0)), deadband=0.0))
    house.pipeline.take_in([reading(0, 8.0), reading(0, 15.0, WARMTH)])
    house.hears((5, 7.1), (10, 6.9), (10 + LONGEST_S, 7.1), (11 + LONGEST_S, 8.9))
    assert [change.message for change in house.changes] == [
        "tank-1: DissolvedOxygen 8.00 mg/L is below 9 (critical, do-1), the strictest limit: no temperature is known",
        "tank-1: DissolvedOxygen 7.10 mg/L is no longer below 7 (do-1), the limit at 15.0 °C",
        "tank-1: DissolvedOxygen 6.90 mg/L is below 7 (critical, do-1), the limit at 15.0 °C",
    ]
    assert [change.alarm.limit for change in house.changes] == [9.0, 7.0, 7.0]


def test_a_failed_sensor_is_never_low_oxygen() -> None:
    house = House(AT_ONCE, NO_DATA, FAILED).hears(*((5.0 * n, -3.0) for n in range(40)))
    assert [(change.alarm, change.standing.active) for change in house.changes] == [(FAILED, True)]
    assert house.changes[0].message.startswith("tank-1: DissolvedOxygen of do-1 has failed, the water is not known: ")


def test_what_a_check_flags_becomes_an_alarm_and_what_it_cannot_judge_does_not() -> None:
    jumpy = replace(alarm(AlarmKind.ANOMALY, None, 0.0, 0.0, 0.0), check=list(CHECKS).index("rate_of_change"))
    house = House(jumpy).hears((0, 8.0), (5, 8.1), (10, 12.0), (15, None), (20, 8.1), (25, 8.1), (30, 8.1))
    assert [change.standing.active for change in house.changes] == [True, False]
    assert house.changes[0].message.startswith("tank-1: DissolvedOxygen of do-1 is unusual: rate_of_change")


def test_the_messages_say_where_what_and_which_limit() -> None:
    low, lost = alarm(AlarmKind.CRITICAL_LOW), NO_DATA
    high = alarm(AlarmKind.HIGH, 18.0)
    assert [
        sentence(low, Event.RAISED, 5.8, None),
        sentence(low, Event.CLEARED, 6.4, None),
        sentence(high, Event.RAISED, 19.25, None),
        sentence(lost, Event.RAISED, None, "no reply in 0.5 s"),
        sentence(lost, Event.RAISED, 1e9, "gross_range: 1e+09 is outside"),
        sentence(lost, Event.CLEARED, 8.0, None),
        sentence(low, Event.ACKNOWLEDGED, None, None, "Ana"),
        sentence(low, Event.SHELVED, None, "probe in the bucket", "Ana"),
        sentence(low, Event.RESTORED, None, None, BY_ITSELF),
    ] == [
        "tank-1: DissolvedOxygen 5.80 mg/L is below 6 (critical, do-1)",
        "tank-1: DissolvedOxygen 6.40 mg/L is no longer below 6 (do-1)",
        "tank-1: DissolvedOxygen 19.25 mg/L is above 18 (critical, do-1)",
        "tank-1: DissolvedOxygen of do-1 gives no valid data: no reply in 0.5 s",
        "tank-1: DissolvedOxygen of do-1 gives no valid data: gross_range: 1e+09 is outside",
        "tank-1: DissolvedOxygen of do-1 is back",
        "tank-1/do-1/oxygen: critical low acknowledged by Ana",
        "tank-1/do-1/oxygen: critical low shelved by Ana: probe in the bucket",
        "tank-1/do-1/oxygen: critical low watched again by gateway",
    ]


def test_an_alarm_that_was_never_raised_has_a_state_without_a_history() -> None:
    state, event = state_json(AT_ONCE, Standing(), None, None), event_json(House(AT_ONCE).hears((0, 5.0)).changes[0])
    assert '"state":"normal","active":false,"occurrence":0' in state
    assert "seq" not in state
    assert '"state":"unacknowledged","active":true,"occurrence":1' in event
    assert '"time":"2026-11-23T12:00:00.000Z"' in event


def test_the_stored_reading_is_the_kept_one(tmp_path: Path) -> None:
    house = House().hears((0, 8.0), (5, None), (10, 99.0))
    path = tmp_path / "ring-buffer.sqlite"
    remembered(tmp_path, house, 10.0)
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT value, flag, because FROM readings").fetchall() == [
            (one.reading.value, one.flag, one.because) for one in house.kept
        ]


def test_an_alarm_about_half_a_character_can_be_sent() -> None:
    house = House(NO_DATA)
    for boot_s in (0.0, 600.0):
        house.pipeline.take_in([Reading(OXYGEN, at(boot_s), None, "bad answer: \udcff °C")])
    (raised,) = house.changes
    sent = event_json(raised).encode("utf-8")
    assert json.loads(sent)["message"].endswith("bad answer: \udcff °C")
    assert "°C" in sent.decode("utf-8")
