"""Five hundred sensors crossing their limits in one second, and chattering: told in order, then calmed, never lost."""

from dataclasses import replace
from uuid import UUID

import pytest

from agent.alarm_metrics import AlarmMetrics
from agent.alarms import Order, Refusal, Watch
from agent.alarms.chatter import SHELF_S
from agent.annunciator import Annunciator
from agent.domain.alarm import Alarm, AlarmChange, AlarmKind, AlarmState, Event, Priority
from agent.domain.farm import Sensor
from agent.domain.quantity import Quantity
from tests.agent.farm import NOON_US, TANK, alarm, at, checked
from tests.clock import FakeClock

AT_ONCE = replace(alarm(on_delay_s=0, off_delay_s=0), priority=Priority.WARNING)


def chattering(watch: Watch, first: int, last: int) -> list[Event]:
    """At 1 Hz, below its limit in every even second."""
    return [step.event for n in range(first, last) for step in watch.observe(checked(n, 7.0 if n % 2 else 5.0))]


def test_the_third_raising_in_a_minute_is_shelved_with_a_notice_and_comes_back() -> None:
    watch = Watch(AT_ONCE)
    assert chattering(watch, 0, 5) == [
        Event.RAISED,
        Event.CLEARED,
        Event.RAISED,
        Event.CLEARED,
        Event.RAISED,
        Event.SHELVED,
    ]
    assert chattering(watch, 5, 604) == []
    back, again = watch.observe(checked(604, 5.0))
    assert (back.event, back.by, back.standing.state) == (Event.RESTORED, "gateway", AlarmState.NORMAL)
    assert back.reason == "chattered: raised 299 times more while it was shelved"
    assert (again.event, again.standing.state) == (Event.RAISED, AlarmState.UNACKNOWLEDGED)
    assert again.standing.occurrence == 303


def test_what_is_critical_is_silent_for_a_minute_at_most() -> None:
    watch = Watch(replace(AT_ONCE, priority=Priority.CRITICAL))
    chattering(watch, 0, 5)
    assert watch.standing.until_s == 4 + SHELF_S[Priority.CRITICAL] == 64
    assert watch.observe(checked(64, 5.0))[0].standing.state is AlarmState.UNACKNOWLEDGED


def test_a_shelved_one_whose_condition_stays_comes_back_unacknowledged() -> None:
    watch = Watch(AT_ONCE)
    chattering(watch, 0, 7)
    assert not watch.observe(checked(603, 5.0))
    (back,) = watch.observe(checked(604, 5.0))
    assert (back.event, back.standing.state) == (Event.RESTORED, AlarmState.UNACKNOWLEDGED)


def test_orders_of_which_one_is_refused_leave_the_chattering_one_as_it_was() -> None:
    other = replace(AT_ONCE, kind=AlarmKind.CRITICAL_LOW)
    annunciator = Annunciator([AT_ONCE, other])
    (watch, _) = annunciator.watches
    chattering(watch, 0, 5)
    restored, unfit = Order(Event.RESTORED, "Ana", of=AlarmState.SHELVED), Order(Event.RESET, "Ana")
    with pytest.raises(Refusal):
        annunciator.carry_out([(AT_ONCE, restored), (other, unfit)], at(5.0))
    assert watch.standing.state is AlarmState.SHELVED
    assert chattering(watch, 5, 604) == []
    assert watch.observe(checked(604, 5.0))[0].reason == "chattered: raised 299 times more while it was shelved"


def test_twice_in_a_minute_is_no_chatter() -> None:
    watch = Watch(AT_ONCE)
    for n in range(100):
        watch.observe(checked(40.0 * n, 5.0))
        watch.observe(checked(40.0 * n + 1, 7.0))
    assert (watch.standing.occurrence, watch.standing.state) == (100, AlarmState.RETURNED)


def test_a_person_may_take_it_off_the_shelf_and_hears_of_it_again() -> None:
    watch = Watch(AT_ONCE)
    chattering(watch, 0, 5)
    watch.carry_out(Order(Event.RESTORED, "Ana", of=AlarmState.SHELVED), at(5.0))
    assert chattering(watch, 5, 7) == [Event.CLEARED, Event.RAISED]


def farm(sensors: int) -> list[Alarm]:
    return [
        replace(AT_ONCE, source=Sensor(UUID(int=n), TANK, f"do-{n}", "oxygen", Quantity.DISSOLVED_OXYGEN, None))
        for n in range(sensors)
    ]


def test_a_flood_is_ordered_and_dies_down() -> None:
    alarms, clock = farm(500), FakeClock(NOON_US, 0.0)
    annunciator, metrics = Annunciator(alarms), AlarmMetrics(clock)
    told: list[AlarmChange] = []
    for second in range(120):
        for which in alarms:
            assert isinstance(which.source, Sensor)
            changes = annunciator.observe(checked(second, 7.0 if second % 2 else 5.0, sensor=which.source))
            metrics.count(changes)
            told += changes
        clock.advance(1.0)
    numbers = [change.seq for change in told]
    assert numbers == sorted(set(numbers))
    assert len(told) == 500 * 6
    assert {change.by for change in told if change.event is Event.SHELVED} == {"gateway"}
    found = metrics.told(annunciator.watches)
    assert (found["rate_per_10_min"], found["standing"], found["stale"]) == (1500, 0, [])
    assert [one["raised"] for one in found["top_ten"]] == [3] * 10


def test_the_metrics_forget_ten_minutes_and_a_day_and_know_what_is_stale() -> None:
    clock = FakeClock(NOON_US, 0.0)
    annunciator, metrics = Annunciator([AT_ONCE]), AlarmMetrics(clock)
    metrics.count(annunciator.observe(checked(0, 5.0)))
    clock.advance(599)
    assert metrics.told(annunciator.watches)["rate_per_10_min"] == 1
    clock.advance(1)
    told = metrics.told(annunciator.watches)
    assert (told["rate_per_10_min"], told["most_per_10_min"], told["raised_in_a_day"]) == (0, 1, 1)
    assert told["top_ten"] == [{"alarm": str(AT_ONCE), "raised": 1, "share": 1.0}]
    clock.advance(86_401)
    told = metrics.told(annunciator.watches)
    assert (told["standing"], told["stale"], told["top_ten"]) == (1, [str(AT_ONCE)], [])


def test_kinds_are_told_apart_in_the_top_ten() -> None:
    clock = FakeClock(NOON_US, 0.0)
    both = [AT_ONCE, replace(AT_ONCE, kind=AlarmKind.CRITICAL_LOW, limit=3.0)]
    annunciator, metrics = Annunciator(both), AlarmMetrics(clock)
    for second, value in enumerate((5.0, 7.0, 2.0)):
        metrics.count(annunciator.observe(checked(second, value)))
    assert [(one["alarm"][-4:], one["raised"]) for one in metrics.told([])["top_ten"]] == [("/low", 2), ("_low", 1)]
