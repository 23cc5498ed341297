"""Our checks against ioos_qc: the same flags, but where it has a quirk; and for each quirk what we do instead.

The choices and their reasons are in the docstrings of the checks.
"""

from collections.abc import Sequence
from math import inf
from statistics import pstdev

import pytest

from agent.checks import (
    CHECKS,
    attenuated_signal,
    climatology,
    flat_line,
    gross_range,
    rate_of_change,
    syntax,
    timing,
)
from agent.checks.check import Point
from agent.checks.sensor_checks import SensorChecks
from agent.domain.farm import Span
from agent.domain.quality import NO_MEASUREMENT
from agent.domain.reading import Flag, Reading
from tests.agent.checks.qartod import CASES, QUIRKS, Case
from tests.agent.checks.taught import made
from tests.agent.farm import OXYGEN, at, reading

GOOD, NOT_EVALUATED, SUSPECT, FAIL = Flag.GOOD, Flag.NOT_EVALUATED, Flag.SUSPECT, Flag.FAIL
PLAIN = [case for case in CASES if not case.quirks and case.expected is not None]
REFUSED = [case for case in CASES if not case.quirks and case.expected is None]


@pytest.mark.parametrize("test", sorted({case.test for case in PLAIN}))
def test_every_case_without_a_quirk_has_the_same_flags(test: str) -> None:
    assert {str(case): case.ours() for case in PLAIN if case.test == test} == {
        str(case): case.expected for case in PLAIN if case.test == test
    }


def test_so_many_cases_are_compared() -> None:
    assert (len(PLAIN), len(REFUSED)) == (373, 3)


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_of_a_series_out_of_order_only_the_late_readings_are_refused(case: Case) -> None:
    """ioos_qc refuses it as a whole."""
    limits = attenuated_signal.Limits(case.config["suspect_threshold"], case.config["fail_threshold"], window_s=3600.0)
    in_order, all_of_them = (SensorChecks({"attenuated_signal": limits}) for _ in range(2))
    newest_s, late = -inf, 0
    for at_s, value in zip(case.times, case.values, strict=True):
        checked = all_of_them.check(reading(at_s, value))
        if at_s > newest_s:
            newest_s = at_s
            assert checked == in_order.check(reading(at_s, value))
        else:
            late += 1
            assert checked.flag is NOT_EVALUATED
    assert late


def quirky(quirk: str, test: str) -> list[Case]:
    found = [case for case in CASES if quirk in case.quirks and case.test == test and case.expected is not None]
    assert found
    return found


def flags(limits: object, *points: tuple[float, float]) -> list[Flag]:
    check, said = made(limits), []
    for at_s, value in points:
        said.append(check.judge(Point(at_s, value)).flag)
        check.learn(at_s, value, 1.0)
    return said


def every(interval_s: float, *values: float) -> Sequence[tuple[float, float]]:
    return [(n * interval_s, value) for n, value in enumerate(values)]


def flat_tol0() -> None:
    """Equal values are a flat line, with tolerance 0 too."""
    assert flags(flat_line.Limits(120, 240, 0.0, 1, 1), *every(60, 8, 8, 8, 8, 8, 8.1)) == [
        GOOD,
        GOOD,
        SUSPECT,
        SUSPECT,
        FAIL,
        GOOD,
    ]


def flat_below_interval() -> None:
    """One value is no line, however slow the poll."""
    assert set(flags(flat_line.Limits(60, 120, 0.0, 1, 1), *every(300, 8, 8, 8, 8))) == {GOOD}


def flat_gap() -> None:
    """Silence is no standing still."""
    limits = flat_line.Limits(120, 600, 0.0, 1, 1)
    assert flags(limits, (0, 8), (60, 8), (10_000, 8), (10_060, 8), (10_120, 8)) == [GOOD, GOOD, GOOD, GOOD, SUSPECT]


def flat_nan_window() -> None:
    """A missing value is stepped over; a value alone in its window is no line."""
    limits = flat_line.Limits(120, 600, 0.0, 1, 1)
    assert flags(limits, (0, 8), (120, 8)) == [GOOD, SUSPECT]
    assert flags(limits, (0, 8), (180, 8)) == [GOOD, GOOD]


def flat_short() -> None:
    """Two values are judged like two hundred, and a missing one is missing."""
    assert flags(flat_line.Limits(60, 60, 0.0, 1, 1), *every(60, 8, 8)) == [GOOD, FAIL]
    for case in quirky("flat_short", "flat_line_test"):
        assert [n for n, flag in enumerate(case.ours()) if flag == "9"] == [
            n for n, value in enumerate(case.values) if value is None
        ]


def flat_dt0() -> None:
    """A poll faster than a second is no error."""
    assert flags(flat_line.Limits(1, 2, 0.0, 1, 1), *every(0.5, 8, 8, 8, 8, 8)) == [GOOD, GOOD, SUSPECT, SUSPECT, FAIL]


def roc_dt0() -> None:
    """No rate is made of two values at one time: the second one is late, and stays out of the next rate."""
    checks = SensorChecks({"rate_of_change": rate_of_change.Limits(6.0)})
    said = [checks.check(reading(at_s, value)).flag for at_s, value in ((0, 8.0), (0, 99.0), (60, 8.0))]
    assert said == [GOOD, NOT_EVALUATED, GOOD]


def roc_trunc() -> None:
    """1.9 s are 1.9 s."""
    limits = rate_of_change.Limits(6.0, over_s=0.0)
    assert flags(limits, (0, 8.0), (1.9, 8.19)) == [GOOD, GOOD]
    assert flags(limits, (0, 8.0), (1.9, 8.191)) == [GOOD, SUSPECT]


def roc_after_nan() -> None:
    """After a missing value the rate is that over the longer time; too long a silence says nothing."""
    limits = rate_of_change.Limits(1.0, 600)
    assert flags(limits, (0, 8.0), (120, 10.1)) == [GOOD, SUSPECT]
    assert flags(limits, (0, 8.0), (601, 99.0)) == [GOOD, GOOD]


def roc_after_inf() -> None:
    """What is not finite is missing, and so never before anything."""
    for case in quirky("roc_after_inf", "rate_of_change_test"):
        assert set(case.ours()) == {"1", "9"}


def roc_ooo() -> None:
    """A value from before has no rate, and stays out of the next one."""
    checks = SensorChecks({"rate_of_change": rate_of_change.Limits(6.0)})
    said = [checks.check(reading(at_s, value)).flag for at_s, value in ((60, 8.0), (0, 99.0), (120, 8.0))]
    assert said == [GOOD, NOT_EVALUATED, GOOD]


def clim_nan_good() -> None:
    """What is missing is 9; all other flags are the same."""
    for case in quirky("clim_nan_good", "climatology_test"):
        for ours, theirs, value in zip(case.ours(), str(case.expected), case.values, strict=True):
            assert ours == ("9" if value is None else theirs)


def clim_inf() -> None:
    """What is infinite is 9 as well."""
    for case in quirky("clim_inf", "climatology_test"):
        for ours, theirs, value in zip(case.ours(), str(case.expected), case.values, strict=True):
            assert ours == ("9" if value in (inf, -inf) else theirs)


def gap_first() -> None:
    """The first value has no gap before it; all others have the same flags."""
    plain = [case for case in quirky("gap_first", "time_gap_test") if "gap_backward" not in case.quirks]
    for case in plain:
        if sorted(set(case.times)) == case.times:
            assert case.ours() == "1" + str(case.expected)[1:]


def gap_backward() -> None:
    """A step back is no pass; what follows is measured from the newest value there was."""
    for case in quirky("gap_backward", "time_gap_test"):
        late = [n for n, at_s in enumerate(case.times) if at_s <= max(case.times[:n], default=-inf)]
        assert [n for n, flag in enumerate(case.ours()) if flag == "3"] == late
        assert late


def att_first() -> None:
    """A first value alone, which cannot vary, is not evaluated."""
    limits = attenuated_signal.Limits(0.5, 0.1, window_s=600)
    assert flags(limits, *every(60, *[8.0] * 7)) == [NOT_EVALUATED] * 5 + [FAIL] * 2


def att_range_nan() -> None:
    """A hole does not hide the range of the others: it is as if the missing values had never been polled."""
    for case in quirky("att_range_nan", "attenuated_signal_test"):
        for ours, theirs in zip(case.ours(), str(case.expected), strict=True):
            assert ours == theirs or theirs == "2"
    limits = attenuated_signal.Limits(0.5, 0.1, "range", 600.0, 0.0, 2)
    assert flags(limits, (0, 8.0), (60, 8.2), (300, 8.0)) == [NOT_EVALUATED, SUSPECT, SUSPECT]


def att_tie() -> None:
    """On a limit rounding may decide: only there do we differ."""
    for case in quirky("att_tie", "attenuated_signal_test"):
        limits = (case.config["suspect_threshold"], case.config["fail_threshold"])
        for n, (ours, theirs) in enumerate(zip(case.ours(), str(case.expected), strict=True)):
            if ours != theirs:
                since_s = case.times[n] - case.config["test_period"]
                window = [x for t, x in zip(case.times[: n + 1], case.values, strict=False) if t > since_s and x]
                assert min(abs(pstdev(window) - limit) for limit in limits) < 1e-12


def dup_all() -> None:
    """Of two readings at one time the first counts and the second is late: no alarm waits for the next reading."""
    checks = SensorChecks({"timing": timing.Limits()})
    assert [checks.check(reading(at_s, 8.0)).flag for at_s in (0, 60, 60, 120)] == [GOOD, GOOD, SUSPECT, GOOD]


def cmp_missing() -> None:
    """No test's flag hides that there is no value."""
    checks = SensorChecks({"gross_range": gross_range.Limits(), "syntax": syntax.Limits()})
    said = checks.check(Reading(OXYGEN, at(0.0), None, "wrong checksum", garbled=True))
    assert (said.flag, said.quality) == (Flag.MISSING, NO_MEASUREMENT)
    assert said.tests[list(CHECKS).index("syntax")] == "4"


CHOICES = {choice.__name__: choice for choice in (
    flat_tol0, flat_below_interval, flat_gap, flat_nan_window, flat_short, flat_dt0, roc_dt0, roc_trunc, roc_after_nan,
    roc_after_inf, roc_ooo, clim_nan_good, clim_inf, gap_first, gap_backward, att_first, att_range_nan, att_tie,
    dup_all, cmp_missing,
)}  # fmt: skip


@pytest.mark.parametrize("quirk", QUIRKS)
def test_every_quirk_has_a_choice(quirk: str) -> None:
    CHOICES[quirk]()


def test_a_winter_goes_round_the_turn_of_the_year() -> None:
    """Of which ioos_qc makes February to November."""
    winter = climatology.Season(Span(0, 10), months=(11, 2))
    check = made(climatology.Limits((winter,)))
    months = [round(1704067200e6 + month * 30.5 * 86_400e6) for month in range(12)]
    said = [check.judge(Point(0.0, 20.0, utc_us)).flag for utc_us in months]
    assert said == [SUSPECT] * 2 + [NOT_EVALUATED] * 8 + [SUSPECT] * 2
