"""Warnings before the limit: of a fall, and of where it leads."""

from collections.abc import Iterable
from dataclasses import replace
from math import exp
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.alarms import Watch
from agent.alarms.plunge import Plunge
from agent.alarms.trend import Trend
from agent.domain.alarm import Alarm, AlarmKind, Event
from agent.domain.reading import Flag
from simulators.schedule import Window
from tests.agent.farm import alarm, checked
from tests.bench.early_warning import FAILS_AT_S, tank, watched

FORECAST = replace(alarm(AlarmKind.FORECAST, 4.0, 0.2, 5.0, 10.0), within_s=900.0)
FALL = alarm(AlarmKind.RATE_OF_FALL, 0.15, 0.05, 5.0, 10.0)


def line(per_min: float, start: float, for_s: int = 300, from_s: int = 0) -> list[tuple[float, float | None]]:
    """A value every five seconds, that falls by so much a minute."""
    return [(from_s + s, start - per_min * s / 60) for s in range(0, for_s, 5)]


def events(
    which: Alarm, told: Iterable[tuple[float, float | None]], warmth: float | None = None
) -> list[tuple[str, float]]:
    """What happened to the alarm, and when."""
    watch = Watch(which)
    return [(step.event.value, at_s) for at_s, value in told for step in watch.observe(checked(at_s, value), warmth)]


@given(st.floats(-1, 1), st.floats(-20, 20), st.integers(0, 2**32))
def test_the_slope_of_a_noisy_line_is_found_whatever_a_fifth_of_the_points_say(
    slope: float, start: float, seed: int
) -> None:
    chance, trend = Random(seed), Trend()
    wrong = {chance.randrange(12) for _ in range(2)}
    for s in range(0, 200, 5):
        spike = 50.0 if s // 15 in wrong else 0.0
        trend.add(s, start + slope * s / 60 + chance.gauss(0, 0.01) + spike)
    fit = trend.fit(200)
    assert fit is not None
    assert 60 * fit.slope == pytest.approx(slope, abs=0.1)


def test_a_trend_is_known_after_two_minutes_and_forgotten_in_a_hole() -> None:
    trend = Trend()
    known = []
    for s in range(0, 900, 5):
        if not 300 <= s < 520:
            trend.add(s, 8.0 - s / 100)
        known.append(trend.fit(s) is not None)
    began, lost = known.index(True) * 5, known.index(False, known.index(True)) * 5
    assert 120 <= began <= 150
    assert 300 < lost <= 390
    assert not any(known[lost // 5 : 640 // 5])
    assert known[-1]


@pytest.mark.parametrize("period_s", [1, 5, 15, 30, 60])
def test_a_probe_read_once_a_minute_has_a_trend_too(period_s: int) -> None:
    trend = Trend()
    for s in range(0, 400, period_s):
        trend.add(s, 8.0 - s / 600)
    fit = trend.fit(365)
    assert fit is not None
    assert fit.slope == pytest.approx(-1 / 600)
    assert fit.at(365) == pytest.approx(8.0 - 365 / 600)


def test_a_value_that_comes_twice_is_left_out() -> None:
    trend = Trend()
    for s in range(0, 300, 5):
        trend.add(s, 8.0)
        trend.add(s, 1.0)
        trend.add(s - 60, 1.0)
    fit = trend.fit(299)
    assert fit is not None
    assert (fit.value, fit.slope) == (8.0, 0.0)


def test_a_fast_fall_is_alarmed_and_cleared_when_it_ends() -> None:
    told = [*line(0.3, 9.0, 300), *((s, 7.5) for s in range(300, 900, 5))]
    (raised, raised_s), (cleared, cleared_s) = events(FALL, told)
    assert (raised, cleared) == ("raised", "cleared")
    assert raised_s <= 155
    assert 330 <= cleared_s <= 500


def test_a_slow_fall_and_a_rise_are_none() -> None:
    assert events(FALL, line(0.14, 9.0, 1800)) == []
    assert events(FALL, line(-2.0, 4.0, 600)) == []


def test_the_forecast_says_when_the_limit_is_reached() -> None:
    watch = Watch(FORECAST)
    for at_s, value in line(0.3, 8.0):
        if steps := watch.observe(checked(at_s, value)):
            assert [step.event for step in steps] == [Event.RAISED]
            assert watch.because == "falls by 0.3 mg/L a minute and reaches 4 mg/L in 13 min"
            return
    pytest.fail("not raised")


def test_a_limit_that_is_far_away_is_not_forecast() -> None:
    assert events(FORECAST, line(0.3, 10.0, 120)) == []
    assert events(FORECAST, line(0.1, 8.0, 300)) == []
    (raised,) = events(FORECAST, line(0.1, 8.0, 2390))
    assert 1500 - 30 <= raised[1] <= 1500 + 30, "at 5.5 mg/L, a quarter of an hour before"


def test_still_water_close_to_the_limit_is_no_forecast() -> None:
    chance = Random(3)
    assert events(FORECAST, [(s, 4.15 + chance.gauss(0, 0.02)) for s in range(0, 7200, 5)]) == []


def test_no_data_never_clears_what_was_forecast() -> None:
    told = [*line(0.3, 8.0, 300), *((s, None) for s in range(300, 7200, 5))]
    assert [event for event, _ in events(FORECAST, told)] == ["raised"]
    bad = Watch(FORECAST)
    for at_s, value in line(0.3, 8.0, 300):
        bad.observe(checked(at_s, value))
    for s in range(300, 3600, 5):
        assert not bad.observe(checked(s, 9.0, Flag.FAIL))
    assert bad.standing.active


def test_it_stands_until_the_fall_has_ended_and_below_the_limit_too() -> None:
    down, up = line(0.3, 8.0, 1200), line(-0.5, 2.0, 600, from_s=1200)
    (raised, _), (cleared, cleared_s) = events(FORECAST, [*down, *up])
    assert (raised, cleared) == ("raised", "cleared")
    assert cleared_s > 1200 + 240, "only above the limit"


def test_gas_that_leaves_the_water_is_no_forecast_until_saturation_is_passed() -> None:
    """Oxygenation ends at 200 %, the aerators go on: it falls by half a mg/L a minute, and to saturation only."""
    degassing = [(float(s), 9.1 + 9.1 * exp(-s / 3600 * 4)) for s in range(0, 3600, 5)]
    assert events(FORECAST, degassing, 20.0) == []
    assert [event for event, _ in events(FALL, degassing, 20.0)][:1] == ["raised"]
    assert events(FORECAST, line(1.0, 18.0, 800), 20.0)[0][1] > 530, "once it has passed 9.1 mg/L"
    assert events(FORECAST, line(1.0, 18.0, 800))[0][1] < 200, "without a thermometer rather too early"


@pytest.mark.parametrize("respiration", [200, 300])
def test_an_aeration_failure_at_60_kg_is_warned_of_five_minutes_before(respiration: float) -> None:
    """Through the whole pipeline, with the alarms that a tank has by default."""
    run = watched(tank(60, respiration), FAILS_AT_S + 1500, fails=True)
    before = run.minutes_before(AlarmKind.FORECAST)
    assert before is not None
    assert before >= 5
    assert min(run.raised.values()) > FAILS_AT_S, "and not before it failed"
    forecast = next(change for change in run.changes if change.alarm.kind is AlarmKind.FORECAST)
    assert forecast.message.startswith("tank-1: DissolvedOxygen ")
    assert "reaches 4 mg/L in" in forecast.message


def test_a_probe_that_is_silent_for_a_minute_delays_the_warning_and_no_more() -> None:
    silent = [Window(FAILS_AT_S + 60, 60)]
    run = watched(tank(60, 200), FAILS_AT_S + 1500, fails=True, silent=silent)
    assert (run.minutes_before(AlarmKind.FORECAST) or 0) >= 5


@pytest.mark.parametrize("kind", [AlarmKind.RATE_OF_FALL, AlarmKind.FORECAST])
def test_a_plunge_in_a_dense_tank_is_warned_of_five_minutes_before(kind: AlarmKind) -> None:
    """6.1 minutes lie between failure and limit: the three minutes of the trend would be too long."""
    run = watched(tank(60, 500), FAILS_AT_S + 600, fails=True)
    assert (run.minutes_before(kind) or 0) >= 5
    assert [change.event for change in run.changes if change.alarm.kind is kind] == [Event.RAISED], "once"


def test_a_spike_a_bubble_and_a_step_are_no_plunge() -> None:
    spike = [(s, 3.0 if s == 300 else 9.0) for s in range(0, 600, 5)]
    step = [(s, 9.0 if s < 300 else 7.0) for s in range(0, 600, 5)]
    bubble = [(s, 9.0 if s < 300 else 8.0 + exp(-(s - 300) / 8)) for s in range(0, 600, 5)]
    for told in (spike, step, bubble):
        for which in (FORECAST, FALL):
            assert not [at_s for event, at_s in events(which, told) if event == "raised" and at_s < 345]


@pytest.mark.parametrize("noise", [0.0, 0.003, 0.02, 0.1, 0.5])
@pytest.mark.parametrize("period_s", [1, 3, 5])
def test_noise_is_no_plunge_however_much_there_is_of_it(noise: float, period_s: int) -> None:
    chance, plunge = Random(7), Plunge()
    for n in range(5000):
        plunge.add(n * period_s, round(8.0 + chance.gauss(0, noise), 2))
        assert plunge.fit(0.15) is None


@given(st.integers(0, 2**32), st.floats(0.4, 2), st.integers(1, 5))
def test_a_plunge_is_found_within_a_minute_and_its_rate_is_right(seed: int, per_min: float, period_s: int) -> None:
    chance, plunge = Random(seed), Plunge()
    for s in range(-120, 60, period_s):
        plunge.add(s, round(9.0 - per_min * max(0, s) / 60 + chance.gauss(0, 0.006), 2))
    fit = plunge.fit(0.2)
    assert fit is not None
    assert -60 * fit.slope == pytest.approx(per_min, rel=0.25)


def test_a_probe_that_is_read_seldom_and_values_that_come_twice_make_no_plunge() -> None:
    seldom, twice = Plunge(), Plunge()
    for s in range(0, 120, 15):
        seldom.add(s, 9.0 - s / 60)
        for _ in range(9):
            twice.add(s, 9.0 - s / 60)
    assert seldom.fit(0.2) is None
    assert twice.fit(0.2) is None
