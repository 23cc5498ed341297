"""A restart, wherever it falls, changes no flag: what the checks remember is in the ring buffer."""

from collections.abc import Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.checks import (
    CHECKS,
    attenuated_signal,
    climatology,
    flat_line,
    gross_range,
    multi_variate,
    neighbour,
    previous_spike,
    rate_of_change,
    spike,
    syntax,
    timing,
    z_score,
)
from agent.checks.sensor_checks import farm_checks
from agent.domain.farm import Probe, Span
from agent.domain.reading import CheckedReading, Reading
from agent.pipeline import Pipeline
from agent.store.writer import Writer
from tests.agent.checks.test_company import PH, TWIN
from tests.agent.farm import OXYGEN, TANK, at, reading
from tests.clock import FakeClock

LIMITS: dict[str, Any] = {
    "gross_range": gross_range.Limits(user=Span(6.0, 9.5)),
    "spike": spike.Limits(0.4, 1.0),
    "rate_of_change": rate_of_change.Limits(1.0, fail_per_minute=3.0),
    "flat_line": flat_line.Limits(100.0, 250.0, 0.06),
    "z_score": z_score.Limits(2.0, 1200.0, 300.0, 5),
    "syntax": syntax.Limits(),
    "timing": timing.Limits(60.0, 300.0),
    "climatology": climatology.Limits((climatology.Season(Span(6.5, 9.0)),)),
    "attenuated_signal": attenuated_signal.Limits(0.2, 0.05, window_s=400.0, least_span_s=100.0),
    "multi_variate": multi_variate.Limits("DissolvedOxygen", 0.3, 0.2, 300.0),
    "neighbour": neighbour.Limits(0.3, 0.1, 300.0),
    "previous_spike": previous_spike.Limits(0.4, 1.0, "differential"),
}
PROBES = [Probe(one.probe, TANK, "rs485", "any", 1, 20.0, (one,)) for one in (PH, TWIN, OXYGEN)]
SENSORS = [PH, TWIN, OXYGEN]


def all_limits() -> dict[str, Any]:
    """Of every check but `anomaly` and `pair_drift`, which learn without end and so lose what is older than the day."""
    return {name: LIMITS[name] for name in CHECKS if name in LIMITS}


def pipeline(kept: list[CheckedReading]) -> Pipeline:
    checks = farm_checks(PROBES, dict.fromkeys(SENSORS, all_limits()))
    return Pipeline(checks, [], lambda readings, _: kept.extend(readings), lambda _: None)


def uninterrupted(readings: Sequence[Reading]) -> list[CheckedReading]:
    kept: list[CheckedReading] = []
    one = pipeline(kept)
    for each in readings:
        one.take_in([each])
    return kept


def restarted(readings: Sequence[Reading], before: set[int], folder: Path) -> list[CheckedReading]:
    """The same with a fresh start before each of those readings, which knows the ring buffer alone."""
    kept: list[CheckedReading] = []
    one = pipeline(kept)
    writer, written = Writer(folder / "ring-buffer.sqlite", 10_000_000, [], FakeClock().now), 0
    try:
        for n, each in enumerate(readings):
            if n in before:
                writer.write(kept[written:], [], [])
                written = len(kept)
                one = pipeline(kept)
                writer.recall(each.at, one.memory_s, one.remember)
            one.take_in([each])
    finally:
        writer.close()
    return kept


VALUES = [7.0] * 5 + [7.05, 7.1, 7.4, 8.0, 9.8, 5.0, None, 1e9]
STEPS_S = [0.0004, 5.0, 5.1234567, *[20.0] * 20, 90.0, 500.0, 2000.0]


@given(st.integers(0, 2**32), st.sets(st.integers(1, 299), min_size=1, max_size=4))
@settings(max_examples=25)
def test_a_restart_anywhere_changes_no_flag_no_score_and_no_reason(seed: int, before: set[int]) -> None:
    random, readings, at_s = Random(seed), [], 100.0
    for _ in range(300):
        at_s += random.choice(STEPS_S) / 3
        noise = random.choice([0.0, 0.0, random.gauss(0, 0.1)])
        value = random.choice(VALUES)
        readings.append(reading(at_s, None if value is None else value + noise, random.choice(SENSORS)))
    with TemporaryDirectory() as folder:
        assert restarted(readings, before, Path(folder)) == uninterrupted(readings)


def test_a_day_of_polls_goes_on_as_if_nothing_had_been(tmp_path: Path) -> None:
    readings = [
        reading(n * 20.0 + place, 7.0 + n % 17 / 50 + (0.6 if n > 3000 and sensor is PH else 0.0), sensor)
        for n in range(3300)
        for place, sensor in enumerate(SENSORS)
    ]
    told = restarted(readings, {5000, 9001, 9005}, tmp_path)
    assert told == uninterrupted(readings)
    assert {digit for one in told for digit in one.tests} >= {"1", "2", "3"}


def test_the_wall_clock_may_step_between_two_lives(tmp_path: Path) -> None:
    readings = [Reading(OXYGEN, at(n * 20.0, 1_795_435_200_000_000 + n * n), 7.0 + n % 5 / 10) for n in range(200)]
    assert restarted(readings, {50, 120}, tmp_path) == uninterrupted(readings)
