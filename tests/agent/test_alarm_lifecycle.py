"""The life of an alarm: every state with every event, orders that fit and orders that do not, any sequence of both."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.alarms import Order, Refusal, Watch
from agent.alarms.lifecycle import TABLE, after
from agent.domain.alarm import SET_ASIDE, Alarm, AlarmKind, AlarmState, Event, Priority, Standing
from tests.agent.farm import NO_DATA, alarm, at, checked

A, B, C = AlarmState.NORMAL, AlarmState.UNACKNOWLEDGED, AlarmState.ACKNOWLEDGED
D, E, F = AlarmState.RETURNED, AlarmState.LATCHED, AlarmState.LATCHED_ACKNOWLEDGED
G, H, I = SET_ASIDE  # noqa: E741 - the letters of ISA-18.2
AT_ONCE = alarm(on_delay_s=0, off_delay_s=0)
LATCHING = replace(AT_ONCE, latches=True)

# The table of the standard, written a second time: a row a state, a column an event; "." means that nothing happens.
#            raised  cleared  latched: cleared  acknowledged  realarmed  reset  shelved  suppressed  removed
EVENTS = (
    Event.RAISED, Event.CLEARED, Event.CLEARED, Event.ACKNOWLEDGED, Event.REALARMED, Event.RESET, Event.SHELVED,
    Event.SUPPRESSED, Event.REMOVED,
)  # fmt: skip
STANDARD = {
    A: (B, None, None, None, None, None, G, H, I),
    B: (None, D, E, C, None, None, G, H, I),
    C: (None, A, F, None, B, None, G, H, I),
    D: (B, None, None, A, None, None, G, H, I),
    E: (B, None, None, F, None, None, G, H, I),
    F: (B, None, None, None, None, A, G, H, I),
    G: (G, G, G, None, None, None, G, None, I),
    H: (H, H, H, None, None, None, None, H, I),
    I: (I, I, I, None, None, None, None, None, None),
}
ACTIVE = {B: True, C: True, A: False, D: False, E: False, F: False}


@pytest.mark.parametrize("state", AlarmState)
def test_every_state_takes_every_event_as_the_standard_says(state: AlarmState) -> None:
    for n, (event, expected) in enumerate(zip(EVENTS, STANDARD[state], strict=True)):
        active = ACTIVE.get(state, event is Event.CLEARED)
        found = after(Standing(state, active, 3, "boot/1", latched=n == 2), event, at(5.0), latches=n == 2)
        assert (found.state if found else None) is expected, f"{state} {event}"


@pytest.mark.parametrize("state", SET_ASIDE)
@pytest.mark.parametrize(
    ("active", "latched", "then"), [(True, False, B), (True, True, B), (False, True, E), (False, False, A)]
)
def test_what_was_set_aside_comes_back_where_its_condition_is(
    state: AlarmState, active: bool, latched: bool, then: AlarmState
) -> None:
    found = after(Standing(state, active, 1, "boot/1", latched, until_s=9.0), Event.RESTORED, at(9.0), latches=latched)
    assert found is not None
    assert (found.state, found.until_s) == (then, None)


def raised(which: Alarm = AT_ONCE) -> Watch:
    watch = Watch(which)
    (step,) = watch.observe(checked(0, 5.0))
    assert step.event is Event.RAISED
    return watch


def test_a_late_acknowledgement_never_hits_a_newer_occurrence() -> None:
    watch = raised()
    watch.observe(checked(1, 7.0))
    watch.observe(checked(2, 5.0))
    with pytest.raises(Refusal, match="occurrence 1 is meant, but 2 is the newest"):
        watch.carry_out(Order(Event.ACKNOWLEDGED, "Ana", occurrence=1), at(3.0))
    assert watch.standing.state is B
    step = watch.carry_out(Order(Event.ACKNOWLEDGED, "Ana", occurrence=2), at(3.0))
    assert (step.standing.state, step.by) == (C, "Ana")


@pytest.mark.parametrize(
    ("order", "why"),
    [
        (Order(Event.RAISED, "Ana"), "raised is nothing that anybody can order"),
        (Order(Event.SHELVED, "Ana", "cleaning"), "say for how long, at most 24 h"),
        (Order(Event.SHELVED, "Ana", "cleaning", for_s=90_000), "say for how long"),
        (Order(Event.SHELVED, "Ana", for_s=60), "say why"),
        (Order(Event.REMOVED, "Ana"), "say why"),
        (Order(Event.RESET, "Ana"), "is unacknowledged, where reset means nothing"),
        (Order(Event.RESTORED, "Ana", of=AlarmState.SHELVED), "is unacknowledged, not shelved"),
    ],
)
def test_an_order_that_does_not_fit_says_why_and_changes_nothing(order: Order, why: str) -> None:
    watch = raised()
    before = watch.standing
    with pytest.raises(Refusal, match=f"tank-1/do-1/oxygen/low: {why}"):
        watch.carry_out(order, at(1.0))
    assert watch.standing is before


def test_a_shelf_ends_by_itself_and_tells_what_was_missed() -> None:
    watch = Watch(AT_ONCE)
    watch.carry_out(Order(Event.SHELVED, "Ana", "cleaning", for_s=60), at(0.0))
    assert [step.event for step in watch.observe(checked(10, 5.0))] == [Event.RAISED]
    assert watch.standing.state is AlarmState.SHELVED
    assert not watch.observe(checked(59.9, 5.0))
    (back,) = watch.observe(checked(60, 5.0))
    assert (back.event, back.standing.state, back.by) == (Event.RESTORED, B, "gateway")


def test_a_shelf_ends_though_there_is_no_data() -> None:
    watch = raised()
    watch.carry_out(Order(Event.SHELVED, "Ana", "cleaning", for_s=60), at(0.0))
    assert [step.event for step in watch.observe(checked(61, None))] == [Event.RESTORED]


def test_an_acknowledged_alarm_that_stays_is_raised_again() -> None:
    watch = raised(replace(AT_ONCE, realarm_s=600.0))
    watch.carry_out(Order(Event.ACKNOWLEDGED, "Ana", occurrence=1), at(10.0))
    assert not watch.observe(checked(609.9, 5.0))
    (again,) = watch.observe(checked(610, None))
    assert (again.event, again.standing.state, again.standing.occurrence) == (Event.REALARMED, B, 1)


def test_a_latching_alarm_waits_for_acknowledgement_and_reset() -> None:
    watch = raised(LATCHING)
    watch.observe(checked(1, 7.0))
    assert watch.standing.state is E
    watch.carry_out(Order(Event.ACKNOWLEDGED, "Ana", occurrence=1), at(2.0))
    watch.observe(checked(3, 7.0))
    assert watch.standing.state is F
    assert watch.carry_out(Order(Event.RESET, "Ana"), at(4.0)).standing.state is A


def test_one_of_the_lowest_priority_may_acknowledge_itself() -> None:
    watch = raised(replace(AT_ONCE, priority=Priority.ADVISORY, acknowledges_itself=True))
    events = [(step.event, step.by) for step in watch.observe(checked(1, 7.0))]
    assert events == [(Event.CLEARED, None), (Event.ACKNOWLEDGED, "gateway")]
    assert watch.standing.state is A


READINGS = st.none() | st.sampled_from([5.0, 6.1, 7.0])
ORDERS = st.builds(
    Order, st.sampled_from(Event), st.just("Ana"), st.none() | st.just("why"), st.none() | st.integers(0, 3),
    st.none() | st.sampled_from([1.0, 30.0]), st.none() | st.sampled_from(SET_ASIDE),
)  # fmt: skip
ALARMS = st.sampled_from([AT_ONCE, LATCHING, alarm(), NO_DATA, replace(LATCHING, realarm_s=20.0)])


@given(ALARMS, st.lists(st.tuples(st.sampled_from([0.0, 0.5, 7.0, 40.0]), READINGS | ORDERS), max_size=40))
def test_no_sequence_of_readings_and_orders_leads_astray(
    which: Alarm, story: list[tuple[float, float | Order | None]]
) -> None:
    watch, at_s = Watch(which), 0.0
    for pause_s, said in story:
        at_s += pause_s
        before = watch.standing
        if isinstance(said, Order):
            try:
                steps = [watch.carry_out(said, at(at_s))]
            except Refusal:
                assert watch.standing is before
                continue
        else:
            steps = list(watch.observe(checked(at_s, said)))
        for step in steps:
            assert (before.state, step.event) in TABLE
            assert step.standing.active == (
                step.event is Event.RAISED or (before.active and step.event is not Event.CLEARED)
            )
            assert step.standing.occurrence == before.occurrence + (step.event is Event.RAISED)
            before = step.standing
        assert watch.standing is before or not steps
        assert_sound(which, watch.standing)
        if said is None and which.kind is not AlarmKind.NO_VALID_DATA:
            assert all(step.event not in (Event.RAISED, Event.CLEARED) for step in steps)


def assert_sound(which: Alarm, standing: Standing) -> None:
    """State, condition and latch never contradict each other; what is set aside comes back, unless a person must."""
    assert ACTIVE.get(standing.state, standing.active) == standing.active
    assert (standing.until_s is not None) == (standing.state in (AlarmState.SHELVED, AlarmState.SUPPRESSED))
    assert which.latches or not standing.latched
    assert standing.latched or standing.state not in (E, F)
