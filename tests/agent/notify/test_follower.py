"""What goes out: those that are wanted, in order, tried again, noted; and nothing waits for it."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from agent.domain.alarm import AlarmChange, AlarmKind, AlarmState, Event, Priority
from agent.notify import Follower, NotNow, Refused, Wanted
from agent.notify.follower import MOST_WAITING
from tests.agent.farm import change
from tests.clock import FakeClock

ALL = Wanted(list(Priority), [], [Event.RAISED, Event.REALARMED, Event.CLEARED])


class Way:
    """Says what a test tells it to say, in turn, and keeps what it took."""

    at_once = 2
    pause_s = 5.0

    def __init__(self, *says: Exception) -> None:
        self.says = list(says)
        self.took: list[list[int]] = []

    async def send(self, changes: Sequence[AlarmChange]) -> None:
        if self.says:
            raise self.says.pop(0)
        self.took.append([change.seq for change in changes])


def follower(way: Way, folder: Path, wanted: Wanted = ALL) -> Follower:
    return Follower("siren", way, wanted, folder / "notify" / "siren.sent", FakeClock())


async def runs_until(one: Follower, done: Callable[[], bool]) -> None:
    running = asyncio.ensure_future(one.run())
    async with asyncio.timeout(10):
        while not done() and not running.done():
            await asyncio.sleep(0.001)
    running.cancel()
    assert not running.done() or running.exception() is None


async def test_it_goes_out_in_order_and_is_noted(tmp_path: Path) -> None:
    way, mark = Way(), tmp_path / "notify" / "siren.sent"
    one = follower(way, tmp_path)
    one.tell([change(seq) for seq in (1, 2, 3)])
    await runs_until(one, lambda: mark.exists() and mark.read_text() == "3")
    assert way.took == [[1, 2], [3]]
    assert (one.sent, one.trouble, one.status()["waiting"]) == (3, None, 0)


async def test_a_way_that_does_not_work_is_tried_until_it_does(tmp_path: Path) -> None:
    way = Way(*[NotNow("no carrier")] * 50)
    one = follower(way, tmp_path)
    one.tell([change(1)])
    await runs_until(one, lambda: one.sent == 1)
    assert (way.took, one.given_up) == ([[1]], 0)


@pytest.mark.parametrize("error", [Refused("what is this?"), ZeroDivisionError()])
async def test_what_is_refused_makes_room_for_the_next(
    error: Exception, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    way = Way(*[error] * 5)
    one = follower(way, tmp_path)
    one.tell([change(1), change(2), change(3)])
    await runs_until(one, lambda: one.sent == 1)
    assert (way.took, one.given_up) == ([[3]], 2)
    assert "gives up" in caplog.text


async def test_after_a_restart_it_goes_on_where_it_was(tmp_path: Path) -> None:
    history = [change(seq) for seq in range(1, 6)]

    async def after(seq: int) -> list[AlarmChange]:
        return [one for one in history if one.seq > seq]

    first, way = follower(Way(), tmp_path), Way()
    await first.resume(3, after)
    assert first.status()["waiting"] == 0
    second = follower(way, tmp_path)
    await second.resume(5, after)
    await runs_until(second, lambda: second.sent == 2)
    assert way.took == [[4, 5]]


async def test_the_oldest_leave_when_too_many_wait(tmp_path: Path) -> None:
    one = follower(Way(), tmp_path)
    one.tell([change(seq) for seq in range(MOST_WAITING + 7)])
    assert (one.status()["waiting"], one.dropped) == (MOST_WAITING, 7)


async def test_a_mark_that_cannot_be_written_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "notify").write_text("a file where the folder should be")
    one = follower(way := Way(), tmp_path)
    one.tell([change(1)])
    await runs_until(one, lambda: "cannot note" in caplog.text)
    assert way.took == [[1]]


def test_only_what_is_wanted_goes_out() -> None:
    raised = change(1)
    shelved = replace(raised, standing=replace(raised.standing, state=AlarmState.SHELVED))
    restored = replace(raised, event=Event.RESTORED)
    assert raised in ALL
    assert shelved not in ALL, "what a person silenced"
    assert restored in ALL, "it comes off the shelf, and nobody was told while it was there"
    assert replace(restored, standing=replace(raised.standing, active=False)) not in ALL
    assert raised not in Wanted([Priority.WARNING], [], ALL.events)
    assert raised not in Wanted(ALL.priorities, [AlarmKind.HIGH], ALL.events)
    assert raised in Wanted(ALL.priorities, [AlarmKind.LOW], ALL.events)
    assert raised not in Wanted(ALL.priorities, [], [Event.CLEARED])
