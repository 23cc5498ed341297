"""Two probes that part, told hour by hour."""

from collections.abc import Callable
from math import sin, tau
from random import Random

import pytest

from agent.checks.check import Point, Surroundings
from agent.checks.pair_drift import Limits, PairDrift
from agent.checks.trace import Trace
from agent.domain.quality import USABLE
from agent.domain.quantity import Quantity
from agent.domain.reading import Flag, Verdict

EVERY_S = 300.0
DAY_S = 86_400.0
LIMITS = Limits(least=0.015)


class Pair:
    """ph-1, which is checked, and ph-2; both see the same day, each with noise of its own."""

    def __init__(self, limits: Limits = LIMITS, seed: int = 1) -> None:
        self.trace = Trace("ph-2/ph")
        self.check = PairDrift(limits, Surroundings(Quantity.PH, EVERY_S, {Quantity.PH: [self.trace]}))
        self.chance = Random(seed)
        self.at_s = 0.0

    def pass_days(
        self, days: float, more: Callable[[float], float] = lambda day: 0.0, slope: float = 1.0
    ) -> list[Verdict]:
        """`more` is what ph-1 says too much, by days from now."""
        began_s, verdicts = self.at_s, []
        for _ in range(int(days * DAY_S / EVERY_S)):
            self.at_s += EVERY_S
            swing = 0.4 * sin(self.at_s / DAY_S * tau)
            value = 8.0 + slope * swing + more((self.at_s - began_s) / DAY_S) + self.chance.gauss(0, 0.01)
            verdicts.append(self.check.judge(Point(self.at_s, value)))
            self.check.learn(self.at_s, value, 1.0)
            self.trace.add(self.at_s, 8.1 + swing + self.chance.gauss(0, 0.01))
        return verdicts


def first_h(verdicts: list[Verdict]) -> float:
    return next(n for n, verdict in enumerate(verdicts) if verdict.flag is Flag.SUSPECT) * EVERY_S / 3600


def flags(verdicts: list[Verdict]) -> set[Flag]:
    return {verdict.flag for verdict in verdicts}


def test_a_pair_is_learnt_for_a_day_and_good_from_then_on() -> None:
    pair = Pair()
    assert flags(pair.pass_days(1)) == {Flag.NOT_EVALUATED}
    pair.pass_days(1 / 24)
    assert flags(pair.pass_days(20)) == {Flag.GOOD}


@pytest.mark.parametrize(("a_day", "within_h"), [(0.1, 12), (-0.1, 12), (0.03, 30)])
def test_a_drift_is_found_and_told_in_words(a_day: float, within_h: float) -> None:
    pair = Pair()
    pair.pass_days(2)
    verdicts = pair.pass_days(3, lambda day: a_day * day)
    assert first_h(verdicts) <= within_h
    assert verdicts[-1].quality >= USABLE
    assert f"parts from ph-2/ph: {'+' if a_day > 0 else '-'}0." in str(verdicts[-1].because)
    assert str(verdicts[-1].because).endswith("check both in a standard")


def test_electrodes_of_different_slope_are_a_good_pair() -> None:
    pair = Pair()
    assert Flag.SUSPECT not in flags(pair.pass_days(20, slope=1.05))


def test_after_a_step_the_pair_is_learnt_anew() -> None:
    pair = Pair()
    pair.pass_days(3)
    verdicts = pair.pass_days(3, lambda day: 0.3)
    assert Flag.SUSPECT not in flags(verdicts)
    assert verdicts[-1].flag is Flag.GOOD
    assert first_h(pair.pass_days(2, lambda day: 0.3 + 0.1 * day)) <= 12


def test_a_pair_that_agrees_again_is_good_within_a_day() -> None:
    pair = Pair()
    pair.pass_days(2)
    assert pair.pass_days(1, lambda day: 0.1 * day)[-1].flag is Flag.SUSPECT
    verdicts = pair.pass_days(3, lambda day: max(0.0, 0.1 - 0.1 * day))
    assert verdicts[-1].flag is Flag.GOOD


def test_a_difference_that_nobody_minds_is_learnt_after_a_week() -> None:
    pair = Pair()
    pair.pass_days(2)
    verdicts = pair.pass_days(12, lambda day: min(0.1 * day, 0.06))
    assert first_h(verdicts) <= 24
    assert verdicts[-1].flag is Flag.GOOD


def test_a_silent_partner_teaches_nothing() -> None:
    pair = Pair()
    pair.pass_days(2)
    for n in range(1000):
        pair.check.learn(pair.at_s + (n + 4) * EVERY_S, 9.0, 1.0)
    assert pair.check.judge(Point(pair.at_s + 1e6, 9.0)).flag is Flag.GOOD


def test_alone_it_does_not_apply() -> None:
    assert not PairDrift(LIMITS, Surroundings(Quantity.PH, EVERY_S, {Quantity.SALINITY: [Trace("s")]})).applies
    assert Pair().check.applies
    assert Pair().check.memory_s == 25 * 3600
