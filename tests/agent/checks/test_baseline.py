"""The moving window, against a model that remembers everything."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pytest import approx, mark

from agent.checks.baseline import Baseline

VALUES = st.floats(-100, 100, allow_nan=False, width=32)
STEPS = st.floats(0.1, 900, allow_nan=False)


def in_window(points: list[tuple[float, float]], at_s: float, window_s: float) -> list[float]:
    """The values that count: whole buckets, those of the clock, as of `at_s`."""
    bucket_s = window_s / 96
    buckets: list[list[tuple[float, float]]] = []
    for point in points:
        if not buckets or point[0] // bucket_s != buckets[-1][0][0] // bucket_s:
            buckets.append([])
        buckets[-1].append(point)
    kept = [bucket for bucket in buckets if bucket[0][0] > at_s - window_s]
    return [value for bucket in kept for _, value in bucket]


@given(st.lists(st.tuples(STEPS, VALUES), min_size=1, max_size=120), st.floats(600, 20_000))
def test_a_baseline_is_the_mean_and_deviation_of_its_window(steps: list[tuple[float, float]], window_s: float) -> None:
    baseline, points, at_s = Baseline(window_s), [], 0.0
    for step_s, value in steps:
        at_s += step_s
        baseline.add(at_s, value)
        points.append((at_s, value))
        expected = in_window(points, at_s, window_s)
        found = baseline.statistics(at_s)
        assert found.readings == len(expected)
        assert (found.least, found.greatest) == (min(expected), max(expected))
        assert found.mean == approx(np.mean(expected), rel=1e-9, abs=1e-9)
        assert found.deviation == approx(np.std(expected), rel=1e-6, abs=1e-6)


def test_a_baseline_does_not_drift_over_a_hundred_thousand_readings() -> None:
    values = 8.0 + np.random.default_rng(1).normal(0, 0.01, 100_000)
    baseline = Baseline(86_400.0)
    for n, value in enumerate(values.tolist()):
        baseline.add(float(n), value)
    found = baseline.statistics(99_999.0)
    assert found.readings + 900 >= 86_400
    assert found.mean == approx(values[-int(found.readings) :].mean(), rel=1e-13)
    assert found.deviation == approx(values[-int(found.readings) :].std(), rel=1e-9)


@mark.parametrize("value", [7.1, 0.1, 1e-3, 33.3])
def test_a_baseline_that_never_moved_deviates_by_exactly_nothing(value: float) -> None:
    baseline = Baseline()
    for n in range(5_000):
        baseline.add(n * 7.0, value)
    found = baseline.statistics(35_000.0)
    assert (found.mean, found.deviation) == (value, 0.0)


def test_a_baseline_forgets_while_nothing_is_measured() -> None:
    baseline = Baseline(3600.0)
    for n in range(100):
        baseline.add(n * 60.0, 8.0)
    assert baseline.statistics(5_940.0).readings == approx(60, abs=1)
    assert baseline.statistics(8_000.0).readings == approx(25, abs=1)
    assert baseline.statistics(20_000.0).readings == 0
    assert baseline.span_s(20_000.0) == 0.0
