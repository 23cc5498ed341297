"""The anomaly: far by what the sensor itself is used to, and never for ever."""

from collections.abc import Iterable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.checks.anomaly import Anomaly, Limits
from agent.checks.check import Point, Surroundings
from agent.checks.usual_change import UsualChange
from agent.domain.quality import USABLE
from agent.domain.reading import Flag, Verdict

LIMITS = Limits(least=0.05)
LEARN_AFTER = int(LIMITS.learn_after_s / 60) + 1


def water(count: int, level: float = 8.0, noise: float = 0.02, seed: int = 1) -> list[float]:
    chance = Random(seed)
    return [round(level + chance.gauss(0, noise), 3) for _ in range(count)]


class Told:
    """A check that is fed a value a minute, and what it said of each."""

    def __init__(self, limits: Limits = LIMITS, every_s: float = 60.0) -> None:
        self.check = Anomaly(limits, Surroundings(period_s=every_s))
        self.every_s = every_s
        self.at_s = 0.0

    def of(self, values: Iterable[float]) -> list[Verdict]:
        verdicts = []
        for value in values:
            self.at_s += self.every_s
            verdicts.append(self.check.judge(Point(self.at_s, value)))
            self.check.learn(self.at_s, value, verdicts[-1].quality)
        return verdicts

    def flags_of(self, values: Iterable[float]) -> list[Flag]:
        return [verdict.flag for verdict in self.of(values)]


def test_ordinary_water_is_good_once_it_is_known() -> None:
    flags = Told().flags_of(water(3000))
    assert set(flags[:21]) == {Flag.NOT_EVALUATED}
    assert set(flags[22:]) == {Flag.GOOD}


def test_a_jump_is_told_at_once_in_words_and_leaves_the_reading_usable() -> None:
    told = Told()
    told.of(water(500))
    jump, after = told.of([7.2, 8.0])
    assert jump.flag is Flag.SUSPECT
    assert jump.quality >= USABLE
    assert str(jump.because).startswith("7.2 is 0.792 below the readings before it, and 99 of 100 changes are below 0.")
    assert after.flag is Flag.GOOD


def test_a_jump_within_what_the_probe_is_accurate_to_is_none() -> None:
    told = Told(Limits(least=1.0))
    told.of(water(500))
    assert told.flags_of([8.9]) == [Flag.GOOD]


def test_what_the_water_often_does_is_no_anomaly() -> None:
    """A pump that starts every half hour: by the mean distance alone each start would be one."""
    pumped = [value + (0.6 if n % 30 in (0, 1, 2) else 0.0) for n, value in enumerate(water(6000))]
    flags = Told().flags_of(pumped)
    assert Flag.SUSPECT not in flags[3000:]


def test_a_lasting_change_of_level_is_told_and_then_learnt() -> None:
    told = Told()
    told.of(water(500))
    flags = told.flags_of(water(600, level=9.0))
    assert set(flags[:100]) == {Flag.SUSPECT}
    assert set(flags[LEARN_AFTER + 1 :]) == {Flag.GOOD}
    assert told.flags_of([8.0]) == [Flag.SUSPECT]


def test_water_that_stays_rougher_is_learnt_too() -> None:
    told = Told()
    told.of(water(2000))
    flags = told.flags_of(water(6000, noise=1.0))
    assert flags[:200].count(Flag.SUSPECT) > 100
    assert set(flags[-1440:]) == {Flag.GOOD}


@pytest.mark.parametrize("wild", [1e300, -1e9, 0.0])
def test_wild_values_teach_nothing(wild: float) -> None:
    told = Told()
    for n in range(20):
        told.of(water(60, seed=n))
        assert told.flags_of([wild]) == [Flag.SUSPECT]
    assert told.flags_of([8.3]) == [Flag.SUSPECT]
    assert set(told.flags_of(water(60))) == {Flag.GOOD}


def test_a_fall_that_no_two_readings_tell_shows_in_the_quarter_hours() -> None:
    told = Told()
    told.of(water(1500))
    fall = told.of(value - n * 0.008 for n, value in enumerate(water(90, seed=2)))
    because = [verdict.because for verdict in fall if verdict.because]
    assert because
    assert "its mean of a quarter hour, 7." in because[0]


def test_standing_still_counts_from_twice_the_longest_time_known() -> None:
    told = Told()
    told.of(water(600, noise=0.02))
    told.of([8.0] * 61)
    told.of(water(600, seed=2))
    verdicts = told.of([8.0] * 200)
    first = next(n for n, verdict in enumerate(verdicts) if verdict.flag is Flag.SUSPECT)
    assert 115 <= first <= 122
    assert str(verdicts[first].because).endswith("the longest before was 58 min")
    assert {verdict.flag for verdict in verdicts[first:]} == {Flag.SUSPECT}
    assert told.flags_of([8.01]) == [Flag.GOOD]


def test_a_sensor_that_never_moves_is_not_known_to_be_stuck() -> None:
    assert set(Told().flags_of([0.0] * 3000)) == {Flag.NOT_EVALUATED}
    assert Flag.SUSPECT not in Told().flags_of([14.1 if n // 400 % 2 else 14.2 for n in range(6000)])[800:]


def test_a_long_silence_begins_anew_but_forgets_nothing() -> None:
    told = Told()
    told.of(water(500))
    told.at_s += 3600
    assert told.flags_of([9.5, 9.5, 8.0]) == [Flag.NOT_EVALUATED, Flag.GOOD, Flag.SUSPECT]


def test_a_slow_probe_is_not_silent_between_its_readings() -> None:
    told = Told(every_s=1800)
    told.of(water(100))
    assert told.flags_of([9.0]) == [Flag.SUSPECT]
    told.at_s += 3 * 1800
    assert told.flags_of([9.0]) == [Flag.SUSPECT]


def test_after_a_restart_a_day_is_enough_to_say_the_same() -> None:
    values = water(5 * 1440)
    for n in range(4 * 1440 + 100, len(values), 97):
        values[n] += 1.0
    uninterrupted = Told()
    uninterrupted.of(values[: 4 * 1440])
    restarted = Told()
    restarted.at_s = uninterrupted.at_s - 1440 * 60
    for value in values[3 * 1440 : 4 * 1440]:
        restarted.at_s += 60
        restarted.check.learn(restarted.at_s, value, 1.0)
    assert restarted.check.memory_s == 86_400
    flags = uninterrupted.flags_of(values[4 * 1440 :])
    assert flags.count(Flag.SUSPECT) == 14
    assert restarted.flags_of(values[4 * 1440 :]) == flags


@given(st.lists(st.floats(-1e12, 1e12), min_size=30, max_size=80))
def test_any_values_are_judged_and_leave_finite_limits(values: list[float]) -> None:
    told = Told()
    for verdict in told.of(values):
        assert (verdict.because is None) == (verdict.flag is not Flag.SUSPECT)


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=50))
def test_a_run_of_far_values_teaches_one_step(far: list[float]) -> None:
    usual = UsualChange(least=0.05, least_share=0.0)
    for n, value in enumerate(water(200)):
        usual.learn(n * 60.0, 60.0, value, LIMITS.learn_after_s)
    enough, median, tail = usual.enough, usual.median, usual.tail
    for n, value in enumerate(far):
        if abs(value - median) > enough:
            usual.learn((200 + n) * 60.0, 60.0, value, LIMITS.learn_after_s)
    assert (usual.enough, usual.median) == (enough, median)
    assert usual.tail <= 1.1 * tail
