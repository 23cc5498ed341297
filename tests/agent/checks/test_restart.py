"""A restart, wherever it falls, changes no flag: what the checks remember is in the ring buffer."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from math import pi, sin
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.checks import (
    anomaly,
    attenuated_signal,
    climatology,
    flat_line,
    gross_range,
    multi_variate,
    neighbour,
    pair_drift,
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
    "anomaly": anomaly.Limits(0.02, still_s=400.0, learn_after_s=300.0),
    "pair_drift": pair_drift.Limits(0.01),
}
LATER = "00000000-0000-4000-8000-000000000009"
PROBES = [Probe(one.probe, TANK, "rs485", "any", 1, 20.0, (one,)) for one in (PH, TWIN, OXYGEN)]
SENSORS = [PH, TWIN, OXYGEN]


WITHOUT_END = {"anomaly", "pair_drift"}
"""They learn from all there ever was, and so go on only from what was written down."""
OF_A_DAY = {name: limits for name, limits in LIMITS.items() if name not in WITHOUT_END}


def pipeline(kept: list[CheckedReading], limits: dict[str, Any]) -> Pipeline:
    checks = farm_checks(PROBES, dict.fromkeys(SENSORS, limits))
    return Pipeline(checks, [], lambda readings, _: kept.extend(readings), lambda _: None)


def uninterrupted(readings: Sequence[Reading], limits: dict[str, Any]) -> list[CheckedReading]:
    kept: list[CheckedReading] = []
    one = pipeline(kept, limits)
    for each in readings:
        one.take_in([each])
    return kept


def restarted(
    readings: Sequence[Reading],
    before: Collection[int],
    folder: Path,
    limits: dict[str, Any],
    noted: Collection[int] = (),
) -> list[CheckedReading]:
    """The same with a fresh start before each of those readings, which knows the ring buffer alone; what was learnt is
    `noted` there before each of those.
    """
    kept: list[CheckedReading] = []
    one = pipeline(kept, limits)
    writer, written = Writer(folder / "ring-buffer.sqlite", 10_000_000, [], FakeClock().now), 0
    try:
        for n, each in enumerate(readings):
            if n in before or n in noted:
                writer.write(kept[written:], [], [])
                written = len(kept)
            if n in noted:
                offset_ms, learnt = one.learnt()
                writer.keep_learnt(learnt, offset_ms, kept[-1].reading.at)
            if n in before:
                one = pipeline(kept, limits)
                writer.recall(each.at, one.memory_s, one.remember, one.restore)
            one.take_in([each])
    finally:
        writer.close()
    return kept


VALUES = [7.0] * 5 + [7.05, 7.1, 7.4, 8.0, 9.8, 5.0, None, 1e9]
STEPS_S = [0.0004, 5.0, 5.1234567, *[20.0] * 20, 90.0, 500.0, 2000.0]


places = st.integers(1, 299)


@given(st.integers(0, 2**32), st.sets(places, min_size=1, max_size=4))
@settings(max_examples=25)
def test_a_restart_anywhere_changes_no_flag_no_score_and_no_reason(seed: int, before: set[int]) -> None:
    readings = some(seed)
    with TemporaryDirectory() as folder:
        assert restarted(readings, before, Path(folder), OF_A_DAY) == uninterrupted(readings, OF_A_DAY)


@given(st.integers(0, 2**32), st.sets(places, min_size=1, max_size=4), st.sets(places, min_size=1, max_size=3))
@settings(max_examples=25)
def test_with_what_was_noted_no_check_loses_anything(seed: int, before: set[int], noted: set[int]) -> None:
    readings, noted = some(seed), noted | {min(before)}
    with TemporaryDirectory() as folder:
        assert restarted(readings, before, Path(folder), LIMITS, noted) == uninterrupted(readings, LIMITS)


def a_fortnight() -> list[Reading]:
    """A pair of which one drifts from the fourth day on, and slow water with a jump, every five minutes."""
    random, readings = Random(7), []
    for n in range(14 * 288):
        days = n / 288
        water = 7.0 + 0.3 * sin(2 * pi * days) + random.gauss(0, 0.01) + (0.8 if 2000 < n < 2010 else 0.0)
        for place, sensor in enumerate(SENSORS):
            drift = 0.1 * max(0.0, days - 4) if sensor is TWIN else 0.0
            readings.append(reading(n * 300.0 + place, round(water + drift, 2), sensor))
    return readings


def test_what_was_learnt_in_a_fortnight_is_known_after_any_restart(tmp_path: Path) -> None:
    readings = a_fortnight()
    noted = {700, 3000, 5000, 5001, 6001, 9000, 11_111}
    told = restarted(readings, {701, 3000, 5002, 6001, 6090, 9100, 11_112}, tmp_path, LIMITS, noted)
    assert told == uninterrupted(readings, LIMITS)
    said = " ".join(one.because or "" for one in told)
    assert all(f"{name}: " in said for name in WITHOUT_END)


def test_a_reboot_is_a_gap_and_nothing_else(tmp_path: Path) -> None:
    """The same readings, but from the 9000th on with the clock of another boot."""
    readings = a_fortnight()
    booted_s = readings[9000].at.boot_s - 12.5
    rebooted = [
        each._replace(at=replace(each.at, boot_s=each.at.boot_s - booted_s, boot_id=LATER)) if n >= 9000 else each
        for n, each in enumerate(readings)
    ]
    told = restarted(rebooted, {9000, 9700, 11_000}, tmp_path, LIMITS, {8990, 9600, 11_000})
    expected = uninterrupted(readings, LIMITS)
    assert [one[1:] for one in told] == [one[1:] for one in expected]


def some(seed: int) -> list[Reading]:
    random, readings, at_s = Random(seed), [], 100.0
    for _ in range(300):
        at_s += random.choice(STEPS_S) / 3
        noise = random.choice([0.0, 0.0, random.gauss(0, 0.1)])
        value = random.choice(VALUES)
        readings.append(reading(at_s, None if value is None else value + noise, random.choice(SENSORS)))
    return readings


def test_a_day_of_polls_goes_on_as_if_nothing_had_been(tmp_path: Path) -> None:
    readings = [
        reading(n * 20.0 + place, 7.0 + n % 17 / 50 + (0.6 if n > 3000 and sensor is PH else 0.0), sensor)
        for n in range(3300)
        for place, sensor in enumerate(SENSORS)
    ]
    told = restarted(readings, {5000, 9001, 9005}, tmp_path, OF_A_DAY)
    assert told == uninterrupted(readings, OF_A_DAY)
    assert {digit for one in told for digit in one.tests} >= {"1", "2", "3"}


def test_the_wall_clock_may_step_between_two_lives(tmp_path: Path) -> None:
    readings = [Reading(OXYGEN, at(n * 20.0, 1_795_435_200_000_000 + n * n), 7.0 + n % 5 / 10) for n in range(200)]
    assert restarted(readings, {50, 120}, tmp_path, LIMITS, {50, 110}) == uninterrupted(readings, LIMITS)
