"""The forwarder's manners: urgency, lingering, backing off, telling, and never giving up."""

import asyncio
import logging
import sqlite3
from collections.abc import Sequence

import pytest

from agent.domain.errors import StoreError
from cloud_sync.contract.topics import SENSOR_ALERTS, SENSOR_GAPS, SENSOR_READINGS, SENSOR_ROLLUPS
from cloud_sync.uplink.attempt import MOST_SUSPECTS
from cloud_sync.uplink.forwarder import Forwarder
from cloud_sync.uplink.interfaces import Batching, DeadLetter, Delivery, Entry, Lane, Record, Rejection, TryLater
from tests.cloud_sync.scripted import Drained, JumpingClock, MemoryBacklog, ScriptedSink, Step
from tests.cloud_sync.things import GATEWAY, change, gap, reading, rollup


@pytest.fixture
def clock() -> JumpingClock:
    return JumpingClock()


def readings(count: int) -> list[Entry]:
    return [reading(seq) for seq in range(1, count + 1)]


def upper(low: float, high: float) -> float:
    return high


def forwarder(sink: ScriptedSink, backlog: MemoryBacklog, clock: JumpingClock) -> Forwarder:
    return Forwarder("sink", sink, backlog, GATEWAY, clock, uniform=upper)


async def drain(sink: ScriptedSink, backlog: MemoryBacklog, clock: JumpingClock) -> Forwarder:
    under_test = forwarder(sink, backlog, clock)
    with pytest.raises(Drained):
        await under_test.run()
    return under_test


async def test_alerts_go_first_then_gaps_then_readings(clock: JumpingClock) -> None:
    sink = ScriptedSink()
    await drain(sink, MemoryBacklog(clock, readings(2), [change(1)], [gap(1)]), clock)
    assert [topic for topic, _ in sink.received] == [SENSOR_ALERTS, SENSOR_GAPS, SENSOR_READINGS, SENSOR_READINGS]


async def test_dead_letters_go_out_by_topic_under_their_own_numbers(clock: JumpingClock) -> None:
    backlog = MemoryBacklog(clock)
    letters = [DeadLetter(1, reading(70)), DeadLetter(3, reading(50)), DeadLetter(4, change(8)), DeadLetter(6, gap(2))]
    backlog.bring(Lane.REPLAY, letters)
    backlog.bring(Lane.ROLLUPS, [rollup(1)])
    sink = ScriptedSink()
    await drain(sink, backlog, clock)
    rollups, *replayed = sink.received
    assert rollups == (SENSOR_ROLLUPS, 1)
    assert replayed == [(SENSOR_READINGS, 1), (SENSOR_READINGS, 3), (SENSOR_ALERTS, 4), (SENSOR_GAPS, 6)]
    assert sink.sizes == [1, 2, 1, 1]


async def test_an_alert_overtakes_a_backlog_of_readings(clock: JumpingClock) -> None:
    backlog = MemoryBacklog(clock, readings(100))

    class RaisesAnAlert(ScriptedSink):
        async def send(self, batch: Sequence[Record]) -> Delivery:
            clock.time_s += 0.1
            if len(self.sizes) == 1:
                backlog.entries[Lane.ALERTS].append(change(1))
            return await super().send(batch)

    sink = RaisesAnAlert()
    await drain(sink, backlog, clock)
    assert sink.received.index((SENSOR_ALERTS, 1)) == 40


async def test_readings_wait_for_company_and_alerts_do_not(clock: JumpingClock) -> None:
    sink = ScriptedSink(batching=Batching(20, linger_s=30.0))
    later: list[tuple[Lane, list[Entry]]] = [(Lane.LIVE, [reading(2)]), (Lane.ALERTS, [change(1)])]
    later += [(Lane.LIVE, [reading(seq)]) for seq in range(3, 13)]
    await drain(sink, MemoryBacklog(clock, readings(1), later=later), clock)
    assert sink.received[:2] == [(SENSOR_READINGS, 1), (SENSOR_ALERTS, 1)]
    assert sink.sizes == [1, 1, 11]
    assert 1030 <= clock.time_s <= 1034


async def test_pauses_double_up_to_a_minute_until_something_is_acknowledged(clock: JumpingClock) -> None:
    sink = ScriptedSink([Step.UNAVAILABLE] * 9 + [Step.ACCEPT, Step.KEEP_THE_SECOND_HALF, Step.UNAVAILABLE])
    await drain(sink, MemoryBacklog(clock, readings(9)), clock)
    assert clock.slept == [0.5, 1, 2, 4, 8, 16, 32, 60, 60, 0.5, 1]
    assert sink.sizes == [9, 1, 1, 1, 1, 1, 1, 1, 1, 1, 8, 1, 1, 3], "after a failure one record is the probe"


async def test_a_sink_that_asks_for_a_pause_gets_it(clock: JumpingClock) -> None:
    class Busy(ScriptedSink):
        async def send(self, batch: Sequence[Record]) -> Delivery:
            if not self.sizes:
                self.sizes.append(0)
                raise TryLater("busy", 17.0)
            return await super().send(batch)

    await drain(Busy(), MemoryBacklog(clock, readings(1)), clock)
    assert clock.slept == [17.0]


async def test_a_misconfigured_sink_is_probed_once_a_minute_and_told_once(
    clock: JumpingClock, caplog: pytest.LogCaptureFixture
) -> None:
    sink = ScriptedSink([Step.MISCONFIGURED] * 5)
    backlog = MemoryBacklog(clock, readings(4))
    under_test = await drain(sink, backlog, clock)
    assert clock.slept == [60.0] * 5
    assert backlog.dead == [] and len(sink.received) == 4
    assert [record.message for record in caplog.records if record.levelno == logging.ERROR] == [
        "sink sink is misconfigured, everything is kept: who are you?"
    ]
    assert under_test.status.last_error == "who are you?"


async def test_an_outage_is_told_once_with_its_end(clock: JumpingClock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    await drain(ScriptedSink([Step.UNAVAILABLE] * 20), MemoryBacklog(clock, readings(4)), clock)
    assert [record.message for record in caplog.records] == [
        "sink sink is waiting, everything is kept: away",
        "sink sink delivers again after 14.1 min",
    ]


async def test_a_bug_in_a_sink_is_logged_with_its_traceback_and_survived(
    clock: JumpingClock, caplog: pytest.LogCaptureFixture
) -> None:
    sink = ScriptedSink([Step.CRASH, Step.CRASH, Step.CANCEL_ITSELF])
    await drain(sink, MemoryBacklog(clock, readings(4)), clock)
    assert len(sink.received) == 4
    assert caplog.text.count("ZeroDivisionError: a bug") == 1
    assert sink.opened == 4


async def test_a_hanging_sink_is_cut_off(clock: JumpingClock) -> None:
    sink = ScriptedSink([Step.HANG])
    under_test = await drain(sink, MemoryBacklog(clock, readings(4)), clock)
    assert len(sink.received) == 4
    assert under_test.status.last_error == "no answer within 0.005 s"


async def test_cancelling_ends_the_task_and_settles_nothing(clock: JumpingClock) -> None:
    backlog = MemoryBacklog(clock, readings(4))
    sink = ScriptedSink([Step.HANG], batching=Batching(20, deadline_s=60.0))
    task = asyncio.create_task(forwarder(sink, backlog, clock).run())
    for _ in range(20):
        await asyncio.sleep(0)
    assert sink.sizes == [4]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(backlog.entries[Lane.LIVE]) == 4


async def test_a_sick_store_is_waited_for_and_a_bug_in_it_is_not(clock: JumpingClock) -> None:
    class Sick(MemoryBacklog):
        def __init__(self, *errors: Exception) -> None:
            super().__init__(clock, readings(1))
            self.errors = list(errors)

        async def settle(self, sink: str, lane: Lane, after: int, upto: int, rejected: Sequence[Rejection]) -> None:
            if self.errors:
                raise self.errors.pop()
            await super().settle(sink, lane, after, upto, rejected)

    sink = ScriptedSink()
    await drain(sink, Sick(StoreError("disk full"), StoreError("disk full")), clock)
    assert len(sink.received) == 3
    with pytest.raises(sqlite3.ProgrammingError):
        await forwarder(sink, Sick(sqlite3.ProgrammingError("a bug")), clock).run()


async def test_while_the_store_cannot_note_what_was_sent_little_is_sent_and_ever_less_often(
    clock: JumpingClock,
) -> None:
    class Sick(MemoryBacklog):
        async def settle(self, sink: str, lane: Lane, after: int, upto: int, rejected: Sequence[Rejection]) -> None:
            if clock.time_s < 1400:
                raise StoreError("disk full")
            await super().settle(sink, lane, after, upto, rejected)

    sink = ScriptedSink()
    await drain(sink, Sick(clock, readings(20)), clock)
    assert clock.slept == [0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60]
    assert sink.sizes == [20] + [1] * 13 + [19]


@pytest.mark.parametrize("error", [None, StoreError("disk full")])
async def test_a_stop_waits_for_what_is_being_settled_and_is_not_upset_if_that_fails(
    clock: JumpingClock, caplog: pytest.LogCaptureFixture, error: StoreError | None
) -> None:
    settling, ended = asyncio.Event(), asyncio.Event()

    class Slow(MemoryBacklog):
        async def settle(self, sink: str, lane: Lane, after: int, upto: int, rejected: Sequence[Rejection]) -> None:
            settling.set()
            await asyncio.sleep(0.02)
            ended.set()
            if error is not None:
                raise error

    task = asyncio.create_task(forwarder(ScriptedSink(), Slow(clock, readings(4)), clock).run())
    await settling.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()
    told = "sink sink: what it took last is not noted and will be sent again: disk full"
    assert [record.message for record in caplog.records] == ([told] if error else [])


async def test_a_refused_record_at_the_head_keeps_no_link_from_being_probed(clock: JumpingClock) -> None:
    """After a failure one record is offered: should it be one that is refused, the next ones follow at once."""
    sink = ScriptedSink([Step.ACCEPT, Step.UNAVAILABLE], poison=[1])
    backlog = MemoryBacklog(clock, alerts=[change(1)], later=[(Lane.ALERTS, [change(2)])])
    await drain(sink, backlog, clock)
    assert sink.received == [(SENSOR_ALERTS, 2)] and sink.sizes[:3] == [1, 2, 1]
    assert clock.time_s < 1010


async def test_a_batch_that_takes_too_long_is_halved(clock: JumpingClock) -> None:
    sink = ScriptedSink([Step.HANG], batching=Batching(100, deadline_s=0.005))
    await drain(sink, MemoryBacklog(clock, readings(300)), clock)
    assert sink.sizes[:3] == [100, 1, 50] and max(sink.sizes[1:]) <= 80


async def test_dead_letters_are_not_offered_to_a_sink_that_refuses_everything(clock: JumpingClock) -> None:
    sink = ScriptedSink(poison=range(1, 2000))
    backlog = MemoryBacklog(clock, readings(100), until=1500.0)
    backlog.bring(Lane.REPLAY, [DeadLetter(1001, reading(7))])
    await drain(sink, backlog, clock)
    assert backlog.dead == [] and backlog.entries[Lane.REPLAY]


@pytest.mark.parametrize("names", [True, False])
async def test_a_sink_that_refuses_everything_sets_nothing_aside(clock: JumpingClock, names: bool) -> None:
    sink = ScriptedSink(poison=range(1, 1001), names=names, batching=Batching(500))
    backlog = MemoryBacklog(clock, readings(1000), [change(1001)], until=1600.0)
    under_test = await drain(sink, backlog, clock)
    assert backlog.dead == []
    assert not backlog.entries[Lane.ALERTS] and len(backlog.entries[Lane.LIVE]) == 1000, "another lane goes on"
    assert under_test.status.state.value == "misconfigured"
    assert under_test.status.next_attempt_boot_s is not None
    first = 1 + (0 if names else 9 + 2 * MOST_SUSPECTS)
    assert len(sink.sizes) <= 1 + first + 10 * MOST_SUSPECTS, "ten minutes of probing cost few requests"
    sink.poison.clear()
    backlog._until = None
    with pytest.raises(Drained):
        await under_test.run()
    assert under_test.status.state.value == "idle" and under_test.status.delivered == 1001


async def test_a_fault_that_begins_in_the_middle_of_a_batch_sets_nothing_aside(clock: JumpingClock) -> None:
    sink = ScriptedSink(poison=range(11, 200), batching=Batching(20))
    backlog = MemoryBacklog(clock, readings(100), until=1600.0)
    await drain(sink, backlog, clock)
    assert backlog.dead == [] and backlog.entries[Lane.LIVE][0].seq == 11


async def test_one_bad_record_among_many_is_found_with_few_requests(clock: JumpingClock) -> None:
    sink = ScriptedSink(poison=[300], batching=Batching(500))
    backlog = MemoryBacklog(clock, readings(500))
    await drain(sink, backlog, clock)
    assert backlog.dead == [(Lane.LIVE, Rejection(300, "bad batch"))]
    assert len(sink.sizes) <= 2 * 9 + 1 + 2, "halving, and twice more to be sure"


async def test_a_last_record_that_is_refused_waits_for_a_later_one(clock: JumpingClock) -> None:
    sink = ScriptedSink(poison=[3], batching=Batching(1))
    backlog = MemoryBacklog(clock, alerts=[change(1), change(2), change(3)], until=1200.0)
    under_test = await drain(sink, backlog, clock)
    assert backlog.dead == []
    assert len(sink.sizes) <= 3 + 200 / 60, "offered again only now and then"
    backlog.entries[Lane.ALERTS].append(change(4))
    backlog._until = None
    with pytest.raises(Drained):
        await under_test.run()
    assert [rejection.seq for _, rejection in backlog.dead] == [3]


async def test_batches_shrink_when_too_large_and_grow_again(clock: JumpingClock) -> None:
    sink = ScriptedSink([Step.TOO_LARGE], batching=Batching(100))
    await drain(sink, MemoryBacklog(clock, readings(500)), clock)
    assert sink.sizes[:7] == [100, 50, 50, 63, 37, 63, 79]
    assert len(sink.received) == 500


async def test_sinks_do_not_disturb_each_other(clock: JumpingClock) -> None:
    backlogs = [MemoryBacklog(clock, readings(1000), until=5000.0) for _ in range(2)]
    broken = ScriptedSink([Step.CRASH, Step.MISCONFIGURED, Step.UNAVAILABLE] * 1000)
    well = ScriptedSink()
    tasks = [
        asyncio.create_task(Forwarder("sink", sink, backlog, GATEWAY, clock).run())
        for sink, backlog in zip((broken, well), backlogs, strict=True)
    ]
    with pytest.raises(Drained):
        await tasks[1]
    tasks[0].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert len(well.received) == 1000
    assert broken.received == [] and not backlogs[0].empty
