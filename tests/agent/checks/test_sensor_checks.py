"""All checks of one sensor together."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.checks import (
    CHECKS,
    Kind,
    anomaly,
    flat_line,
    gross_range,
    previous_spike,
    rate_of_change,
    spike,
    syntax,
    timing,
    z_score,
)
from agent.checks.check import Check, Point
from agent.checks.defaults import limits_for
from agent.checks.sensor_checks import SensorChecks
from agent.domain.farm import Span
from agent.domain.quality import (
    DEAD_PROBE,
    DOUBTFUL_PROBE,
    OUT_OF_STEP,
    PERFECT,
    POOR,
    UNUSUAL_WATER,
    USABLE,
    WRONG_PROBE,
)
from agent.domain.quantity import Quantity
from agent.domain.reading import CheckedReading, Flag, Reading, Verdict
from tests.agent.farm import NOON_US, OXYGEN, at, reading

LIMITS = {
    "gross_range": gross_range.Limits(Span(0, 20), Span(2, 15)),
    "spike": spike.Limits(0.76, 2.28),
    "rate_of_change": rate_of_change.Limits(3.0),
    "flat_line": flat_line.Limits(1800, 7200),
    "z_score": z_score.Limits(least_span_s=300, least_readings=20),
    "syntax": syntax.Limits(),
    "anomaly": anomaly.Limits(),
}


def said_of(values: Sequence[float | None], every_s: float = 5.0) -> list[CheckedReading]:
    checks = SensorChecks(LIMITS)
    return [checks.check(reading(n * every_s, value)) for n, value in enumerate(values)]


WAVE = [8.0 + n % 7 / 50 for n in range(400)]


@given(st.lists(st.one_of(st.none(), st.floats(-5, 30), st.just(8.0)), max_size=60))
def test_quality_is_between_0_and_1_and_as_low_as_the_worst_verdict(values: list[float | None]) -> None:
    checks = SensorChecks(LIMITS)
    for n, value in enumerate(values):
        verdicts = [] if value is None else [check.judge(Point(n * 5.0, value)) for check in checks.checks.values()]
        checked = checks.check(reading(n * 5.0, value))
        assert 0.0 <= checked.quality <= 1.0
        assert checked.quality == (min(verdict.quality for verdict in verdicts) if verdicts else 0.0)
        on = [digit for name, digit in zip(CHECKS, checked.tests, strict=True) if name in checks.checks]
        assert on == [str(verdict.flag.value) for verdict in verdicts] or (set(on) == {"9"} and value is None)
        assert (checked.because is None) == (checked.flag in (Flag.GOOD, Flag.NOT_EVALUATED))


def test_missing_stays_missing_and_is_remembered_by_no_check() -> None:
    missing = said_of([8.0, 8.0, None])[-1]
    assert (missing.flag, missing.quality, set(missing.tests)) == (Flag.MISSING, 0.0, {"9", "2"})
    assert missing.because == "no reply in 0.5 s"
    assert missing.reading.value is None
    with_holes = said_of([8.0, None, 8.1, None, 8.0, None, 11.0])
    assert with_holes[-1].because is not None
    assert "away from 8 in one reading" in with_holes[-1].because


def test_a_wild_value_never_enters_any_statistic() -> None:
    clean, wild = SensorChecks(LIMITS), SensorChecks(LIMITS)
    for n, value in enumerate(WAVE):
        clean.check(reading(n * 5.0, value))
        wild.check(reading(n * 5.0, value))
        if n % 50 == 49:
            outside = wild.check(reading(n * 5.0 + 1, 1e9))
            assert (outside.flag, outside.quality) == (Flag.FAIL, 0.0)
    for n, value in enumerate([*WAVE[:5], 12.0, *WAVE[5:]]):
        at_s = (len(WAVE) + n) * 5.0
        assert wild.check(reading(at_s, value)) == clean.check(reading(at_s, value))


def test_a_lasting_change_of_level_is_told_and_then_learnt() -> None:
    told = said_of([*WAVE, *(value + 1.0 for value in WAVE * 6)])
    assert {one.flag for one in told[300:400]} == {Flag.GOOD}
    assert told[400].flag is Flag.SUSPECT
    assert {one.flag for one in told[-100:]} == {Flag.GOOD}
    assert all(one.flag is not Flag.FAIL for one in told)


def test_after_a_jump_beyond_belief_the_spike_check_follows_within_two_readings() -> None:
    digit = list(CHECKS).index("spike")
    told = said_of([*WAVE, *(value + 6.0 for value in WAVE[:5])])
    assert [one.tests[digit] for one in told[-5:]] == ["4", "4", "1", "1", "1"]


def test_a_check_without_limits_is_off_and_says_so_in_its_digit() -> None:
    checks = SensorChecks({"gross_range": LIMITS["gross_range"]})
    assert checks.check(reading(0.0, 8.0)).tests == "1" + "2" * (len(CHECKS) - 1)


def test_every_quantity_has_default_limits_that_checks_take() -> None:
    for quantity in Quantity:
        limits = limits_for(quantity)
        assert {"gross_range", "z_score", "anomaly"} <= set(limits) <= set(CHECKS)
        assert SensorChecks(limits).check(reading(0.0, 8.0)).flag is Flag.GOOD


def test_a_reading_that_comes_late_or_twice_is_judged_by_what_needs_no_order_and_is_learnt_by_nobody() -> None:
    plain, disturbed = (SensorChecks(LIMITS | {"timing": timing.Limits()}) for _ in range(2))
    for n, value in enumerate(WAVE):
        assert plain.check(reading(n * 5.0, value)) == disturbed.check(reading(n * 5.0, value))
        if n % 50 == 49:
            for at_s, wild in ((n * 5.0, 14.0), (n * 5.0 - 40, 1.5)):
                late = disturbed.check(reading(at_s, wild))
                assert late.flag is Flag.SUSPECT
                assert late.because is not None
                assert late.because.endswith("timing: comes after a later value of the same sensor, or twice")
                digits = dict(zip(CHECKS, late.tests, strict=True))
                assert (digits["gross_range"], digits["spike"]) == ("1" if wild == 14.0 else "3", "2")


def test_a_wall_clock_that_steps_is_seen_by_no_check() -> None:
    steady, stepping = SensorChecks(LIMITS), SensorChecks(LIMITS)
    for n, value in enumerate(WAVE):
        jumpy = Reading(OXYGEN, at(n * 5.0, NOON_US + (-1) ** n * n * 3_600_000_000), value)
        assert steady.check(reading(n * 5.0, value))[1:] == stepping.check(jumpy)[1:]


def test_what_was_garbled_fails_its_syntax_and_is_missing_all_the_same() -> None:
    garbled = SensorChecks(LIMITS).check(Reading(OXYGEN, at(0.0), None, "wrong checksum", garbled=True))
    assert (garbled.flag, garbled.quality, garbled.because) == (Flag.MISSING, 0.0, "wrong checksum")
    assert dict(zip(CHECKS, garbled.tests, strict=True))["syntax"] == "4"
    assert dict(zip(CHECKS, garbled.tests, strict=True))["spike"] == "9"


def test_a_verdict_on_the_reading_before_is_noted_and_counts_for_nothing_else() -> None:
    checks = SensorChecks({"previous_spike": previous_spike.Limits(0.5, 1.0)})
    told = [checks.check(reading(n * 5.0, value)) for n, value in enumerate((8.0, 8.0, 8.8, 8.0, 9.5, 8.0))]
    place = list(CHECKS).index("previous_spike")
    assert [one.tests[place] for one in told] == ["2", "2", "1", "3", "4", "4"]
    assert {(one.flag, one.quality, one.because) for one in told} == {(Flag.NOT_EVALUATED, 1.0, None)}


def test_there_is_room_for_a_digit_a_check() -> None:
    assert len(CHECKS) <= 18
    assert int("9" * len(CHECKS)) < 2**63


@given(st.lists(st.sampled_from([0.0, 0.1, 0.2, 0.5, 0.75, 0.9, 1.0]), max_size=6), st.floats(0, 1))
def test_more_evidence_never_raises_the_score(scores: list[float], more: float) -> None:
    class Said(Check):
        def judge(self, point: Point) -> Verdict:
            score: float = self.limits
            return Verdict(Flag.SUSPECT, "so", score)

    def quality(of: Sequence[float]) -> float:
        with pytest.MonkeyPatch.context() as patch:
            for n in range(len(of)):
                patch.setitem(CHECKS, f"said_{n}", Kind(float, Said))
            return SensorChecks({f"said_{n}": score for n, score in enumerate(of)}).check(reading(0.0, 8.0)).quality

    assert quality([*scores, more]) <= quality(scores) <= 1.0


def test_only_what_speaks_of_the_water_leaves_a_reading_usable_and_none_of_that_fails_it() -> None:
    assert PERFECT > OUT_OF_STEP >= POOR > UNUSUAL_WATER >= USABLE > DOUBTFUL_PROBE > WRONG_PROBE > DEAD_PROBE > 0.0


def test_the_readme_tells_what_each_digit_is_in_its_order() -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    table = readme.partition("| Check | QARTOD | judges |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) == list(CHECKS)
