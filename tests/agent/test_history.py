"""What the checks remember, against models that remember everything."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest import approx, mark

from agent.checks.history import Baseline, History, Still

BUCKET_S = 300.0
VALUES = st.floats(-100, 100, allow_nan=False, width=32)
STEPS = st.floats(0.1, 900, allow_nan=False)


def in_window(points: list[tuple[float, float]], at_s: float, window_s: float) -> list[float]:
    """The values that count: whole buckets of five minutes, each from its first reading on, as of `at_s`."""
    buckets: list[list[tuple[float, float]]] = []
    for point in points:
        if not buckets or point[0] - buckets[-1][0][0] >= BUCKET_S:
            buckets.append([])
        buckets[-1].append(point)
    kept = [bucket for bucket in buckets[:-1] if bucket[0][0] >= at_s - window_s] + buckets[-1:]
    return [value for bucket in kept for _, value in bucket]


@given(st.lists(st.tuples(STEPS, VALUES), min_size=1, max_size=120), st.floats(600, 20_000))
def test_a_baseline_is_the_mean_and_deviation_of_its_window(steps: list[tuple[float, float]], window_s: float) -> None:
    baseline, points, at_s = Baseline(window_s), [], 0.0
    for step_s, value in steps:
        at_s += step_s
        baseline.add(at_s, value)
        points.append((at_s, value))
        expected = in_window(points, at_s, window_s)
        count, mean, deviation = baseline.statistics(at_s)
        assert count == len(expected)
        assert mean == approx(np.mean(expected), rel=1e-9, abs=1e-9)
        assert deviation == approx(np.std(expected), rel=1e-6, abs=1e-6)


def test_a_baseline_does_not_drift_over_a_hundred_thousand_readings() -> None:
    values = 8.0 + np.random.default_rng(1).normal(0, 0.01, 100_000)
    baseline = Baseline(86_400.0)
    for n, value in enumerate(values.tolist()):
        baseline.add(float(n), value)
    count, mean, deviation = baseline.statistics(99_999.0)
    assert count + BUCKET_S >= 86_400
    assert mean == approx(values[-count:].mean(), rel=1e-13)
    assert deviation == approx(values[-count:].std(), rel=1e-9)


@mark.parametrize("value", [7.1, 0.1, 1e-3, 33.3])
def test_a_baseline_that_never_moved_deviates_by_exactly_nothing(value: float) -> None:
    baseline = Baseline()
    for n in range(5_000):
        baseline.add(n * 7.0, value)
    assert baseline.statistics(35_000.0)[1:] == (value, 0.0)


def test_a_baseline_forgets_while_nothing_is_measured() -> None:
    baseline = Baseline(3600.0)
    for n in range(100):
        baseline.add(n * 60.0, 8.0)
    assert baseline.statistics(5_940.0)[0] == approx(60, abs=5)
    assert baseline.statistics(8_000.0)[0] == approx(25, abs=5)
    assert baseline.statistics(20_000.0) == (0, 0.0, 0.0)
    assert baseline.span_s(20_000.0) == 0.0


@given(st.lists(st.tuples(STEPS, VALUES), min_size=2, max_size=60), st.integers(1, 59))
def test_buckets_from_the_ring_buffer_count_like_readings(steps: list[tuple[float, float]], cut: int) -> None:
    all_at_once, resumed, at_s = Baseline(), Baseline(), 0.0
    before = [value for _, value in steps[:cut]]
    resumed.add_bucket(0.0, len(before), float(np.mean(before)), float(np.var(before)) * len(before))
    for n, (step_s, value) in enumerate(steps):
        at_s += step_s
        all_at_once.add(at_s, value)
        if n >= cut:
            resumed.add(at_s, value)
    assert resumed.statistics(at_s) == approx(all_at_once.statistics(at_s), rel=1e-6, abs=1e-6)


def true_run_since(points: list[tuple[float, float]], tolerance: float) -> float:
    """When the longest run began that ends with the newest value, by looking at everything."""
    low = high = points[-1][1]
    since_s = points[-1][0]
    for at_s, value in reversed(points):
        low, high = min(low, value), max(high, value)
        if high - low > tolerance:
            break
        since_s = at_s
    return since_s


COARSE = st.integers(0, 4).map(lambda n: n / 4)


@given(st.lists(st.tuples(STEPS, COARSE), min_size=1, max_size=80), st.sampled_from([0.0, 0.25, 0.5]))
def test_a_run_is_never_told_longer_than_it_is(steps: list[tuple[float, float]], tolerance: float) -> None:
    still, points, at_s = Still(tolerance), [], 0.0
    for step_s, value in steps:
        at_s += step_s
        told = still.since_with(at_s, value)
        still.add(at_s, value)
        points.append((at_s, value))
        true = true_run_since(points, tolerance)
        assert told is None or told >= true
        if tolerance == 0.0:
            assert (at_s if told is None else told) == true


@given(st.lists(st.tuples(STEPS, COARSE), max_size=40), st.sampled_from([0.0, 0.25, 0.5]), COARSE)
@settings(max_examples=50)
def test_a_stuck_probe_is_found_no_matter_what_was_before(
    steps: list[tuple[float, float]], tolerance: float, stuck: float
) -> None:
    still, at_s = Still(tolerance), 0.0
    for step_s, value in steps:
        at_s += step_s
        still.add(at_s, value)
    stuck_since_s = at_s + 1.0
    still.add(stuck_since_s, stuck)
    for n in range(1, 20):
        since_s = still.since_with(stuck_since_s + n, stuck)
        assert since_s is not None
        assert since_s <= stuck_since_s
        still.add(stuck_since_s + n, stuck)


def test_a_run_ends_with_a_long_silence() -> None:
    still = Still(0.0, longest_gap_s=100.0)
    still.add(0.0, 7.0)
    assert still.since_with(100.0, 7.0) == 0.0
    assert still.since_with(100.1, 7.0) is None
    still.add(43_200.0, 7.0)
    assert still.since_with(43_201.0, 7.0) == 43_200.0


def test_only_usable_readings_make_statistics() -> None:
    history = History()
    for quality, value in ((1.0, 8.0), (0.7, 9.0), (0.69, 100.0), (0.0, 1000.0)):
        history.add(0.0, value, quality)
    assert history.baseline.statistics(0.0)[:2] == (2, 8.5)
    assert [value for _, value in history.points] == [9.0, 100.0, 1000.0]
