"""The circuit breaker, whatever happens to it."""

import random
from itertools import pairwise

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cloud_sync.uplink.breaker import LOUD_AFTER, Breaker, Circuit, Failure, Pace

PACE = Pace()


def upper(low: float, high: float) -> float:
    return high


class BreakerMachine(RuleBasedStateMachine):
    """Drives the breaker as a forwarder does; `dice` draws the jitter, which may always fall the worst way."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = Breaker(PACE)
        self.now_s = 1000.0
        self.offered = 0
        self.in_a_row = 0
        self.unknown_in_a_row = 0
        self.failed_at: list[float] = []

    def fail(self, failure: Failure, wish_s: float, dice: float) -> float:
        self.breaker = self.breaker.failed(failure, self.now_s, lambda low, high: low + dice * (high - low), wish_s)
        self.failed_at.append(self.now_s)
        self.unknown_in_a_row = self.unknown_in_a_row + 1 if failure is Failure.UNKNOWN else 0
        return self.breaker.pause_s(self.now_s)

    @precondition(lambda self: self.breaker.circuit is not Circuit.OPEN)
    @rule(failure=st.sampled_from([Failure.RETRIABLE, Failure.UNKNOWN]), dice=st.sampled_from([0.0, 0.3, 1.0]))
    def it_fails(self, failure: Failure, dice: float) -> None:
        pause_s = self.fail(failure, 0.0, dice)
        bound = min(PACE.cap_s, PACE.base_s * 2**self.in_a_row)
        self.in_a_row += 1
        assert max(PACE.least_s, dice * bound) == pytest.approx(pause_s)
        assert PACE.least_s - 1e-9 <= pause_s <= bound + 1e-9
        assert self.breaker.circuit is Circuit.OPEN

    @precondition(lambda self: self.breaker.circuit is not Circuit.OPEN)
    @rule(wish_s=st.floats(0.0, 1e9), dice=st.floats(0.0, 1.0))
    def it_asks_for_a_pause(self, wish_s: float, dice: float) -> None:
        pause_s = self.fail(Failure.RETRIABLE, wish_s, dice)
        self.in_a_row += 1
        assert min(wish_s, PACE.longest_pause_s) - 1e-6 <= pause_s <= PACE.longest_pause_s + 1e-6

    @precondition(lambda self: self.breaker.circuit is not Circuit.OPEN)
    @rule()
    def it_needs_a_person(self) -> None:
        failures = self.breaker.failures
        assert self.fail(Failure.NEEDS_A_PERSON, 0.0, 0.0) == pytest.approx(PACE.probe_s)
        assert (self.breaker.circuit, self.breaker.failures) == (Circuit.OPEN, failures)

    @precondition(lambda self: self.breaker.circuit is not Circuit.OPEN)
    @rule()
    def a_record_is_refused(self) -> None:
        self.breaker = self.breaker.failed(Failure.POISON, self.now_s, upper)
        assert (self.breaker.circuit, self.breaker.failures) == (Circuit.CLOSED, self.in_a_row)

    @precondition(lambda self: self.breaker.circuit is not Circuit.OPEN)
    @rule()
    def it_acknowledges(self) -> None:
        self.breaker = self.breaker.acknowledged()
        self.in_a_row = self.unknown_in_a_row = 0
        assert self.breaker == Breaker(PACE)

    @rule(seconds=st.floats(0.0, 700.0))
    def time_passes(self, seconds: float) -> None:
        self.now_s += seconds
        before, pause_s = self.breaker.circuit, self.breaker.pause_s(self.now_s)
        self.breaker = self.breaker.rested(self.now_s)
        expected = Circuit.HALF_OPEN if before is Circuit.OPEN and pause_s == 0 else before
        assert self.breaker.circuit is expected

    @precondition(lambda self: self.breaker.circuit is Circuit.OPEN)
    @rule()
    def nothing_can_happen_while_it_is_open(self) -> None:
        with pytest.raises(ValueError, match="nothing can be sent"):
            self.breaker.acknowledged()
        with pytest.raises(ValueError, match="nothing can be sent"):
            self.breaker.failed(Failure.RETRIABLE, self.now_s, upper)

    @invariant()
    def as_much_is_offered_as_the_state_allows(self) -> None:
        allowed = {Circuit.CLOSED: 500, Circuit.HALF_OPEN: 1, Circuit.OPEN: 0}
        assert self.breaker.most(500) == allowed[self.breaker.circuit]

    @invariant()
    def it_never_rests_without_an_end(self) -> None:
        pause_s = self.breaker.pause_s(self.now_s)
        assert 0.0 <= pause_s <= PACE.longest_pause_s + 1e-6
        assert pause_s == 0.0 or self.breaker.circuit is Circuit.OPEN

    @invariant()
    def it_never_hammers(self) -> None:
        assert all(later - earlier >= PACE.least_s - 1e-9 for earlier, later in pairwise(self.failed_at))

    @invariant()
    def it_is_loud_about_what_nobody_can_explain(self) -> None:
        assert self.breaker.is_loud == (self.unknown_in_a_row >= LOUD_AFTER)


TestBreaker = BreakerMachine.TestCase
TestBreaker.settings = settings(max_examples=150, stateful_step_count=40)


def test_a_thousand_gateways_do_not_come_back_in_the_same_second() -> None:
    """The tenth failure in a row: the attempts spread over the whole minute."""
    returns = []
    for seed in range(1000):
        breaker, dice = Breaker(PACE, failures=9), random.Random(seed)
        returns.append(breaker.failed(Failure.RETRIABLE, 0.0, dice.uniform).pause_s(0.0))
    in_each_second = [sum(1 for pause in returns if second <= pause < second + 1) for second in range(60)]
    assert max(in_each_second) <= 40 and sum(in_each_second) >= 995
