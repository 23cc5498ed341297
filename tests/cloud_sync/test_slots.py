"""Whose turn it is."""

from hypothesis import given
from hypothesis import strategies as st

from cloud_sync.uplink.interfaces import Lane
from cloud_sync.uplink.slots import Slots

OTHERS = st.sampled_from([lane for lane in Lane if lane is not Lane.BACKLOG])


def run(slots: Slots, waiting: set[Lane]) -> Lane:
    """One slot, used by the first in order that has something."""
    for lane in slots.order():
        if lane in waiting:
            slots.used(lane)
            return lane
        slots.passed(lane)
    raise AssertionError("nothing waits")


@given(st.lists(st.sets(OTHERS), max_size=200))
def test_the_backlog_has_its_share_of_every_stretch_and_no_more_than_is_left(turns: list[set[Lane]]) -> None:
    slots, mine = Slots(), 0
    contested = unopposed = 0
    for others in turns:
        used = run(slots, others | {Lane.BACKLOG})
        assert used is Lane.ALERTS or Lane.ALERTS not in others, "alerts wait for nobody"
        if used is Lane.ALERTS:
            continue
        mine += used is Lane.BACKLOG
        contested += bool(others)
        unopposed += not others
        assert mine >= (contested + unopposed - 2) / 3
        assert mine <= unopposed + (contested + 1) / 3


@given(st.lists(st.booleans(), max_size=100))
def test_what_the_backlog_does_not_need_is_not_saved_up(backlog_has_some: list[bool]) -> None:
    """However long it was empty: never two slots in a row while live readings wait."""
    slots, in_a_row = Slots(), 0
    for has_some in backlog_has_some:
        used = run(slots, {Lane.LIVE, Lane.BACKLOG} if has_some else {Lane.LIVE})
        in_a_row = in_a_row + 1 if used is Lane.BACKLOG else 0
        assert in_a_row <= 1


def test_of_any_ten_slots_three_are_the_backlogs() -> None:
    slots = Slots()
    used = [run(slots, {Lane.LIVE, Lane.BACKLOG}) for _ in range(1000)]
    assert used[0] is Lane.LIVE
    assert all(used[at : at + 10].count(Lane.BACKLOG) in (3, 4) for at in range(990))


def test_many_sends_in_one_turn_are_made_up_for() -> None:
    slots = Slots()
    slots.used(Lane.LIVE, 20)  # a bad record was looked for
    assert [run(slots, {Lane.LIVE, Lane.BACKLOG}) for _ in range(12)] == [Lane.BACKLOG] * 10 + [Lane.LIVE] * 2


def test_the_order_is_that_of_urgency() -> None:
    slots, waiting = Slots(), set(Lane) - {Lane.BACKLOG}
    order = []
    while waiting:
        order.append(run(slots, waiting))
        waiting.discard(order[-1])
    assert order == [Lane.ALERTS, Lane.GAPS, Lane.LIVE, Lane.ROLLUPS, Lane.HEALTH, Lane.REPLAY]
