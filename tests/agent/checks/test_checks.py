"""Every check by a table of cases: history, value, expected flag."""

import pytest

from agent.checks import CHECKS, gross_range, rate_of_change, spike, worst, z_score
from agent.checks.check import Point
from agent.domain.farm import Span
from agent.domain.reading import Flag
from tests.agent.checks.taught import judged, made, taught

GOOD, NOT_EVALUATED, SUSPECT, FAIL = Flag.GOOD, Flag.NOT_EVALUATED, Flag.SUSPECT, Flag.FAIL


BOTH = gross_range.Limits(Span(0, 20), Span(2, 15))


@pytest.mark.parametrize(
    ("value", "flag"),
    [
        (2.0, GOOD), (8.0, GOOD), (15.0, GOOD),
        (1.999, SUSPECT), (15.001, SUSPECT), (0.0, SUSPECT), (20.0, SUSPECT),
        (-0.001, FAIL), (20.001, FAIL), (1e9, FAIL), (float("inf"), FAIL), (float("nan"), FAIL),
    ],
)  # fmt: skip
def test_gross_range_passes_its_limits_and_nothing_beyond(value: float, flag: Flag) -> None:
    verdict = judged(BOTH, value)
    assert verdict.flag is flag
    assert (verdict.because is None) == (flag is GOOD)


def test_gross_range_names_the_span_it_judged_by() -> None:
    assert judged(BOTH, 21.5).because == ("21.5 is outside what the sensor can measure (0 to 20)")
    assert judged(BOTH, 1.5).because == ("1.5 is outside what this water should show (2 to 15)")


def test_gross_range_without_limits_says_good() -> None:
    assert judged(gross_range.Limits(), 1e9).flag is GOOD


@pytest.mark.parametrize(
    ("before", "value", "flag"),
    [
        ((), 8.0, NOT_EVALUATED),
        ((8.0, 8.0), 99.0, NOT_EVALUATED),
        ((8.0, 8.0, 8.0), 8.5, GOOD),
        ((8.0, 8.0, 8.0), 8.501, SUSPECT),
        ((8.0, 8.0, 8.0), 7.499, SUSPECT),
        ((8.0, 8.0, 8.0), 9.5, SUSPECT),
        ((8.0, 8.0, 8.0), 9.501, FAIL),
        ((8.0, 8.0, 12.0), 8.0, GOOD),
        ((8.0, 12.0, 12.0), 12.0, GOOD),
        ((12.0, 8.0, 10.0), 10.4, GOOD),
    ],
)
def test_spike_is_the_distance_from_the_median_of_three(before: tuple[float, ...], value: float, flag: Flag) -> None:
    assert judged(spike.Limits(0.5, 1.5), value, *before).flag is flag


def test_spike_says_how_far_from_what() -> None:
    verdict = judged(spike.Limits(0.5, 1.5), 9.0, 8.0, 8.0, 8.0)
    assert verdict.because == "jumped 1 away from 8 in one reading"


@pytest.mark.parametrize(
    ("at_s", "value", "flag"),
    [
        (60.0, 8.5, GOOD),
        (60.0, 7.5, GOOD),
        (60.0, 8.51, SUSPECT),
        (60.0, 7.49, SUSPECT),
        (60.0, 1e6, SUSPECT),
        (59.9, 9.0, GOOD),
        (120.0, 9.0, GOOD),
        (3600.0, 9.0, GOOD),
        (3600.1, 900.0, GOOD),
    ],
)
def test_rate_counts_by_boot_time_and_never_fails(at_s: float, value: float, flag: Flag) -> None:
    assert judged(rate_of_change.Limits(0.5), value, 8.0, at_s=at_s).flag is flag


def test_within_a_second_the_last_digit_of_a_probe_is_no_fast_change() -> None:
    check = made(rate_of_change.Limits(0.2))
    for n in range(600):
        assert check.judge(Point(float(n), 7.0 + n % 2 / 100)).flag is GOOD
        check.learn(float(n), 7.0 + n % 2 / 100, 1.0)
    assert check.judge(Point(600.0, 7.3)).flag is SUSPECT
    check.learn(600.0, 9.0, 0.2)
    assert check.judge(Point(660.0, 7.0)).flag is GOOD, "a spike is no value to count from"


def test_there_is_nothing_against_the_rate_of_a_first_value() -> None:
    assert judged(rate_of_change.Limits(0.5), 8.0).flag is GOOD


@pytest.mark.parametrize(
    ("before", "value", "flag"),
    [
        ((8.0, 9.0) * 30, 10.012, GOOD),
        ((8.0, 9.0) * 30, 10.013, SUSPECT),
        ((8.0, 9.0) * 30, 6.987, SUSPECT),
        ((8.0, 8.2) * 9, 99.0, NOT_EVALUATED),
        ((7.1,) * 60, 7.2, NOT_EVALUATED),
    ],
)
def test_z_score_needs_a_day_that_moved(before: tuple[float, ...], value: float, flag: Flag) -> None:
    limits = z_score.Limits(least_span_s=60.0, least_readings=20)
    assert judged(limits, value, *before).flag is flag


def test_z_score_waits_for_its_least_span() -> None:
    known = (8.0, 8.2) * 30
    assert judged(z_score.Limits(least_span_s=3541.0), 99.0, *known, at_s=0.0).flag is NOT_EVALUATED
    assert judged(z_score.Limits(least_span_s=3540.0), 99.0, *known, at_s=0.0).flag is SUSPECT


def test_z_score_after_a_day_of_silence_does_not_judge_by_the_days_before() -> None:
    known = taught(z_score.Limits(), *((8.0, 8.2) * 400))
    assert known.judge(Point(60.0, 20.0)).flag is SUSPECT
    assert known.judge(Point(90_000.0, 20.0)).flag is NOT_EVALUATED


def test_z_score_learns_from_usable_readings_alone() -> None:
    limits = z_score.Limits(least_span_s=60.0, least_readings=2)
    known = taught(limits, 8.0, 9.0)
    for n, quality in enumerate((0.69, 0.5, 0.1)):
        known.learn(60.0 + n, 1000.0, quality)
    assert "mean of 8.5" in str(known.judge(Point(120.0, 20.0)).because)
    known.learn(70.0, 1000.0, 0.7)
    assert known.judge(Point(120.0, 20.0)).flag is GOOD


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ((), NOT_EVALUATED),
        ((NOT_EVALUATED,), NOT_EVALUATED),
        ((GOOD, NOT_EVALUATED), GOOD),
        ((GOOD, SUSPECT, NOT_EVALUATED), SUSPECT),
        ((SUSPECT, FAIL, GOOD), FAIL),
    ],
)
def test_the_worst_flag_wins_and_good_beats_not_evaluated(flags: tuple[Flag, ...], expected: Flag) -> None:
    assert worst(flags) is expected
    assert worst(reversed(flags)) is expected


NAN = float("nan")


@pytest.mark.parametrize(
    ("check", "wrong"),
    [
        ("gross_range", {"user": Span(10, 2)}),
        ("gross_range", {"sensor": Span(0, NAN)}),
        ("spike", {"suspect": 2.0, "fail": 1.0}),
        ("spike", {"suspect": 0.0, "fail": 1.0}),
        ("rate_of_change", {"per_minute": 0.0}),
        ("rate_of_change", {"per_minute": NAN}),
        ("rate_of_change", {"per_minute": 1.0, "longest_s": 0.0}),
        ("flat_line", {"suspect_after_s": 20.0, "fail_after_s": 10.0}),
        ("flat_line", {"suspect_after_s": 10.0, "fail_after_s": 20.0, "tolerance": NAN}),
        ("z_score", {"threshold": NAN}),
        ("z_score", {"least_span_s": 86_400.0}),
        ("z_score", {"least_readings": 1}),
        ("anomaly", {"least": -1.0}),
        ("anomaly", {"least_share": NAN}),
        ("anomaly", {"still_s": 0.0}),
        ("pair_drift", {}),
        ("pair_drift", {"least": -0.1, "least_share": 0.5}),
        ("pair_drift", {"least_share": NAN}),
        ("anomaly", {"learn_after_s": NAN}),
    ],
)
def test_limits_that_contradict_themselves_are_refused(check: str, wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="needs"):
        CHECKS[check].limits(**wrong)
