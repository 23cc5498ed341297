"""All checks of one sensor together."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from agent.checks import CHECKS, anomaly, flat_line, gross_range, rate_of_change, spike, syntax, z_score
from agent.checks.check import Point
from agent.checks.defaults import limits_for
from agent.checks.sensor_checks import SensorChecks
from agent.domain.farm import Span
from agent.domain.quantity import Quantity
from agent.domain.reading import CheckedReading, Flag
from tests.agent.farm import reading

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
