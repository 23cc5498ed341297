"""A sink that breaks every rule, and what the gateway sees of it."""

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from agent.clock import SystemClock
from agent.domain.errors import SinkMisconfigured, SinkUnavailable
from cloud_sync.contract.record import Record
from cloud_sync.uplink import contained
from cloud_sync.uplink.archive import ArchiveSink
from cloud_sync.uplink.breaker import LOUD_AFTER
from cloud_sync.uplink.contained import Contained, SinkBug
from cloud_sync.uplink.forwarder import Forwarder
from cloud_sync.uplink.interfaces import Batching, BatchRefused, BatchTooLarge, Delivery, Lane, TooSlow
from cloud_sync.uplink.own_thread import OwnThread
from tests.cloud_sync.scripted import Drained, JumpingClock, MemoryBacklog, ScriptedSink, Step
from tests.cloud_sync.sink_contract import heartbeat
from tests.cloud_sync.things import GATEWAY, reading, records


class Free:
    """Does whatever `act` does."""

    def __init__(self, act: Callable[[], Any], deadline_s: float = 0.05) -> None:
        self.act = act
        self.batching = Batching(deadline_s=deadline_s)

    async def open(self) -> None:
        await self._acted()

    async def send(self, batch: Sequence[Record]) -> Delivery:
        answer: Delivery = await self._acted()
        return answer

    async def close(self) -> None:
        await self._acted()

    async def _acted(self) -> Any:
        did = self.act()
        return await did if isinstance(did, Awaitable) else did


def raising(error: BaseException) -> Callable[[], Any]:
    def act() -> Any:
        raise error

    return act


@pytest.mark.parametrize(
    "error", [SinkUnavailable("x"), SinkMisconfigured("x"), BatchRefused("x"), BatchTooLarge("x")], ids=repr
)
async def test_what_a_sink_may_raise_passes(error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        await Contained(Free(raising(error))).send(records(1, 1))
    assert caught.value is error


@pytest.mark.parametrize("error", [ZeroDivisionError(), asyncio.CancelledError(), TimeoutError(), StopAsyncIteration()])
async def test_what_no_sink_should_raise_is_a_bug_of_the_sink(error: BaseException) -> None:
    for call in (Contained(Free(raising(error))).open, Contained(Free(raising(error))).close):
        with pytest.raises(SinkBug):
            await call()


async def test_a_batch_cannot_be_refused_before_it_is_sent() -> None:
    with pytest.raises(SinkBug, match="unexpected BatchRefused"):
        await Contained(Free(raising(BatchRefused("x")))).open()


@pytest.mark.parametrize("answer", [None, True, (), "ok", Delivery(rejected=["3"])])  # type: ignore[list-item]
async def test_what_is_no_delivery_takes_nothing(answer: Any) -> None:
    with pytest.raises(SinkBug, match="which is no Delivery"):
        await Contained(Free(lambda: answer)).send(records(1, 3))


async def test_a_call_that_does_not_even_end_when_cut_off_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contained, "_TO_OBEY_S", 0.05)
    enough = asyncio.Event()

    async def stubborn() -> Delivery:
        while not enough.is_set():
            try:
                await enough.wait()
            except asyncio.CancelledError:
                continue
        return Delivery()

    sink = Contained(Free(stubborn))
    with pytest.raises(TooSlow, match=r"no answer within 0\.05 s"):
        await sink.send(records(1, 1))
    for call in (sink.open, sink.close):
        with pytest.raises(SinkUnavailable, match="still not ended a call"):
            await call()
    enough.set()
    await asyncio.sleep(0)
    assert await sink.send(records(1, 1)) == Delivery()


async def test_cancelling_the_caller_ends_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = asyncio.Event()

    async def hang() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    task = asyncio.create_task(Contained(Free(hang, deadline_s=60.0)).open())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


async def test_what_nobody_can_explain_is_told_a_person_when_it_does_not_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = JumpingClock()
    sink = ScriptedSink([Step.CRASH] * (LOUD_AFTER + 1))
    seen: list[bool] = []
    under_test = Forwarder("sink", sink, MemoryBacklog(clock, [reading(1)]), GATEWAY, clock)
    sleep = clock.sleep

    async def note(seconds: float) -> None:
        seen.append(under_test.status.needs_a_person)
        await sleep(seconds)

    clock.sleep = note  # type: ignore[method-assign]
    with pytest.raises(Drained):
        await under_test.run()
    assert seen == [False] * (LOUD_AFTER - 1) + [True] * 2
    assert not under_test.status.needs_a_person
    told = [record.message for record in caplog.records if record.levelno == logging.ERROR]
    assert [message.split(",")[0] for message in told] == ["sink sink is waiting", "sink sink is failing"]


async def test_one_piece_of_blocking_work_at_a_time() -> None:
    thread, goes_on = OwnThread("the disk"), threading.Event()
    hanging = asyncio.create_task(thread.run(goes_on.wait))
    await asyncio.sleep(0)
    with pytest.raises(SinkUnavailable, match="the disk has not finished"):
        await thread.run(int)
    goes_on.set()
    assert await hanging is True
    assert await thread.run(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        await thread.run(lambda: 1 // 0)


async def test_a_sink_that_hangs_slows_no_other_one(tmp_path: Path) -> None:
    """In real time: one hangs in the loop, one in its thread, one drains four thousand readings."""
    clock, goes_on = SystemClock(), threading.Event()

    class HangsInItsThread(ScriptedSink):
        async def send(self, batch: Sequence[Record]) -> Delivery:
            await OwnThread("this one").run(goes_on.wait)
            return Delivery()

    class Waiting(MemoryBacklog):
        async def wait(self, seconds: float) -> None:
            if self.empty:
                raise Drained
            await asyncio.sleep(seconds)

    def backlog() -> MemoryBacklog:
        return Waiting(JumpingClock(), [reading(seq) for seq in range(1, 4001)], edge=3000)

    hanging = [
        ScriptedSink([Step.HANG] * 1000, batching=Batching(500, deadline_s=0.2)),
        HangsInItsThread(batching=Batching(500, deadline_s=0.2)),
    ]
    tasks = [asyncio.create_task(Forwarder("sink", sink, backlog(), GATEWAY, clock).run()) for sink in hanging]
    archive, whole = ArchiveSink(ArchiveSink.Settings(tmp_path, leave_free_mb=0), GATEWAY), backlog()
    began = time.monotonic()
    async with heartbeat() as longest_silence_s:
        with pytest.raises(Drained):
            await Forwarder("archive", archive, whole, GATEWAY, clock).run()
    assert time.monotonic() - began < 30.0
    assert longest_silence_s() < 0.25
    goes_on.set()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert not whole.entries[Lane.LIVE] and not whole.entries[Lane.BACKLOG]
