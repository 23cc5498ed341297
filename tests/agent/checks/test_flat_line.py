"""The flat line, against a model that looks at everything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.checks import flat_line
from agent.checks.check import Point
from agent.domain.reading import Flag
from tests.agent.checks.taught import judged, made, taught

LIMITS = flat_line.Limits(600, 1200, 0.0, 1, 1)
GOOD, SUSPECT, FAIL = Flag.GOOD, Flag.SUSPECT, Flag.FAIL


@pytest.mark.parametrize(
    ("at_s", "value", "flag"),
    [(599.9, 8.0, GOOD), (600.0, 8.0, SUSPECT), (1199.9, 8.0, SUSPECT), (1200.0, 8.0, FAIL), (1200.0, 8.1, GOOD)],
)
def test_a_flat_line_is_suspect_and_then_fails(at_s: float, value: float, flag: Flag) -> None:
    check = taught(LIMITS, 7.9, 8.0)
    check.learn(500.0, 8.0, 1.0)
    check.learn(590.0, 8.0, 1.0)
    check.learn(1100.0 if at_s > 1100 else 595.0, 8.0, 1.0)
    verdict = check.judge(Point(at_s, value))
    assert verdict.flag is flag
    more = " or more" if flag is FAIL else ""
    assert verdict.because in (None, f"has not moved for {at_s / 60:.0f} min{more}")


def test_a_flat_line_of_one_value_is_good() -> None:
    assert judged(LIMITS, 0.0, at_s=1e6).flag is GOOD


def test_a_run_ends_with_a_long_silence() -> None:
    assert judged(LIMITS, 7.0, 7.0, at_s=600.0).flag is SUSPECT
    assert judged(LIMITS, 7.0, 7.0, at_s=600.1).flag is GOOD


STEPS = st.integers(1, 200).map(float)
COARSE = st.integers(0, 4).map(lambda n: n / 4)


def run_since(points: list[tuple[float, float]], tolerance: float, longest_s: float) -> float:
    """When the longest run began that ends with the newest value, by looking at everything."""
    since_s, value = points[-1]
    low = high = value
    for at_s, value in reversed(points):
        low, high = min(low, value), max(high, value)
        if since_s - at_s > longest_s or (high > low and high - low >= tolerance):
            break
        since_s = at_s
    return since_s


@given(
    st.lists(st.tuples(STEPS, COARSE), min_size=1, max_size=80),
    st.sampled_from([0.0, 0.25, 0.5, 0.6]),
    st.sampled_from([(1, 1), (2, 3), (3, 5)]),
)
def test_a_run_is_the_longest_in_which_no_two_values_are_apart(
    steps: list[tuple[float, float]], tolerance: float, repeats: tuple[int, int]
) -> None:
    limits = flat_line.Limits(150.0, 400.0, tolerance, *repeats)
    check, points, at_s = made(limits), [], 0.0
    for step_s, value in steps:
        at_s += step_s
        points.append((at_s, value))
        flag = check.judge(Point(at_s, value)).flag
        check.learn(at_s, value, 1.0)
        since_s = run_since(points, tolerance, limits.suspect_after_s)
        still_s, again = at_s - since_s, sum(then_s >= since_s for then_s, _ in points) - 1
        fails, suspect = still_s >= 400.0 and again >= repeats[1], still_s >= 150.0 and again >= repeats[0]
        assert flag is (FAIL if fails else SUSPECT if suspect else GOOD)


def test_three_equal_values_of_a_slow_probe_are_no_line() -> None:
    limits = flat_line.Limits(1800.0, 3600.0)
    said = ""
    check = made(limits)
    for n in range(7):
        said += str(check.judge(Point(n * 900.0, 8.0)).flag.value)
        check.learn(n * 900.0, 8.0, 1.0)
    assert said == "1113344"
