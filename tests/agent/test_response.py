"""How fast a probe follows a step, from what simulated probes make of one."""

import math
import random
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.scores.response import Step, steps

Course = list[tuple[float, float]]


def followed(
    tau_s: float,
    period_s: float = 2.0,
    noise: float = 0.01,
    water: Callable[[float], float] = lambda t: 7.0 if t < 300 else 9.3,
) -> Course:
    """What a probe of first order makes of twenty minutes of this water."""
    chance, inside, course = random.Random(1), water(0.0), Course()
    for n in range(round(1200 / period_s)):
        inside += (water(n * period_s) - inside) * (1 - math.exp(-period_s / tau_s))
        course.append((1e9 + n * period_s, inside + chance.gauss(0, noise)))
    return course


def times(course: Sequence[tuple[float, float]], noise: float = 0.01) -> list[float]:
    return [step.t90_s for step in steps(course, 1.0, noise)]


@pytest.mark.parametrize("tau_s", [0.5, 4.0, 8.5, 25.0, 60.0])
@pytest.mark.parametrize("period_s", [1.0, 2.0, 5.0, 10.0])
def test_nine_tenths_of_a_step_take_two_point_three_time_constants(tau_s: float, period_s: float) -> None:
    (t90_s,) = times(followed(tau_s, period_s))
    # counted from a tenth on, 2.20 instead of 2.30, to whole readings, and to a level that is not quite the last
    assert t90_s == pytest.approx(math.log(9) * tau_s, abs=0.3 * tau_s + 2 * period_s)
    assert t90_s >= period_s


def test_a_step_down_and_one_up_are_two() -> None:
    (down, up) = steps(followed(8.5, water=lambda t: 9.3 if t < 300 or t > 700 else 7.0), 1.0, 0.01)
    assert isinstance(down, Step)
    assert (down.change, up.change) == pytest.approx((-2.3, 2.3), abs=0.05)
    assert (down.at_s - 1e9, up.at_s - 1e9) == pytest.approx((300, 700), abs=5)


def test_what_a_hand_takes_before_the_step_costs_nothing() -> None:
    rinsed = followed(8.5, water=lambda t: 7.0 if t < 300 else 7.15 if t < 340 else 9.3)
    assert times(rinsed)[0] < 30


@pytest.mark.parametrize(
    "water",
    [
        lambda t: 7.0,
        lambda t: 7.0 + 0.9 * (t > 300),  # too small
        lambda t: 9.0 - 0.15 * min(t, 1200) / 60,  # an aerator that failed
        lambda t: 7.0 + 3 * (300 < t < 330),  # lifted for half a minute
        lambda t: 7.0 + math.sin(t / 200),
    ],
)
def test_water_that_makes_no_step_tells_nothing(water: Callable[[float], float]) -> None:
    assert times(followed(8.5, water=water)) == []


def test_a_step_on_whose_way_readings_are_missing_tells_nothing() -> None:
    course = [one for one in followed(8.5) if not 1e9 + 298 < one[0] < 1e9 + 330]
    assert times(course) == []


def test_a_probe_that_is_read_too_seldom_cannot_be_timed() -> None:
    assert times(followed(8.5, period_s=30.0)) == []


@given(st.lists(st.tuples(st.floats(0.1, 100), st.floats(-50, 50)), max_size=60), st.floats(0, 2))
def test_whatever_comes_a_step_is_as_large_as_asked_for_and_no_longer_than_ten_minutes(
    moves: list[tuple[float, float]], noise: float
) -> None:
    course, at_s = Course(), 0.0
    for apart_s, value in moves:
        at_s += apart_s
        course.append((at_s, value))
    for step in steps(course, 1.0, noise):
        assert abs(step.change) >= 1.0
        assert 0 < step.t90_s <= 600


def test_what_noise_does_at_the_end_of_a_level_is_no_step() -> None:
    course = [(5.0 * n, 5.0 + 0.1 * (-1) ** n) for n in range(40)]
    course += [(200.0, 7.3)]  # the last that still belongs to the level, within eight times the noise
    course += [(205.0 + 5.0 * n, 7.6 + 0.1 * (-1) ** n) for n in range(40)]
    assert steps(course, 1.0, 0.3) == []
