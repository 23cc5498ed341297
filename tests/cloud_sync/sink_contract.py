"""What every sink must do, against the real thing it delivers to.

A new sink brings a `World` and subclasses `SinkContract`, or `JudgingSinkContract` if it can refuse records.
"""

import asyncio
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from enum import Enum, auto
from typing import Any

import pytest

from agent.domain.errors import SinkMisconfigured, SinkUnavailable
from cloud_sync.contract.record import Record, identity
from cloud_sync.uplink.forwarder import Forwarder
from cloud_sync.uplink.interfaces import Delivery, Lane, Sink
from tests.cloud_sync.scripted import Drained, JumpingClock, MemoryBacklog
from tests.cloud_sync.things import GATEWAY, change, gap, reading, records, rollup

_BEAT_S = 0.005


class Mood(Enum):
    """What a destination can do to a sink."""

    HANGS = auto()
    IS_SLOW = auto()
    TAKES_HALF = auto()
    LOSES_THE_ANSWER = auto()
    RESETS = auto()
    IS_NOWHERE = auto()


class World(ABC):
    """The destination of a sink, with its moods."""

    @abstractmethod
    def sink(self) -> Sink:
        """A new sink, as after a restart of the gateway."""

    @abstractmethod
    def received(self) -> list[Mapping[str, Any]]:
        """The bodies that the destination holds, duplicates included where it keeps them."""

    @abstractmethod
    def go_away(self) -> None: ...

    @abstractmethod
    def come_back(self) -> None: ...

    @abstractmethod
    def refuse_us(self) -> None:
        """As a wrong password or a missing permission does."""

    @abstractmethod
    def admit_us(self) -> None: ...

    @abstractmethod
    def misbehave(self, mood: Mood) -> None:
        """From now on."""

    @abstractmethod
    def behave(self) -> None:
        """No mood any more; what hangs goes on."""

    async def send_and_lose_the_answer(self, sink: Sink, batch: Sequence[Record]) -> None:
        """The destination has it, the gateway does not know: by default the process ended just then."""
        await sink.send(batch)


class JudgingWorld(World):
    @abstractmethod
    def refuse(self, seqs: set[int], by_name: bool) -> None:
        """Refuse these records: by name, or the whole batch without saying why."""

    @abstractmethod
    def dawdle(self) -> None:
        """Answer later than the sink is ready to wait."""

    @abstractmethod
    def hurry(self) -> None: ...


async def everything_sent(world: World, when_it_pauses: Callable[[int], None]) -> tuple[MemoryBacklog, int]:
    """Every lane through a forwarder to the world; `when_it_pauses` is called with the number of pauses so far. Returns
    the backlog, and how many pauses there were.
    """
    clock = JumpingClock()
    alarms = [change(1), change(2, occurrence=2, raised="boot-a/99000")]
    backlog = MemoryBacklog(clock, [reading(seq) for seq in range(1, 101)], alarms, [gap(1)], edge=60)
    backlog.bring(Lane.ROLLUPS, [rollup(seq) for seq in range(1, 6)])
    sleep = clock.sleep

    async def sleep_and_change(seconds: float) -> None:
        when_it_pauses(len(clock.slept))
        await asyncio.sleep(0.001)  # what hangs in a thread may need a moment to go on
        await sleep(seconds)

    clock.sleep = sleep_and_change  # type: ignore[method-assign]
    with pytest.raises(Drained):
        await Forwarder("sink", world.sink(), backlog, GATEWAY, clock).run()
    return backlog, len(clock.slept)


def assert_complete(world: World) -> None:
    """All that `everything_sent` sends is there, and nothing of it twice."""
    there = [(body.get("sensor_type"), body.get("count"), *identity(body)) for body in world.received()]
    assert len(there) == len(set(there)) == 100 + 2 + 1 + 5


@asynccontextmanager
async def heartbeat() -> AsyncIterator[Callable[[], float]]:
    """Somebody else in the same loop; yields how much longer it had to wait for its turn at most (seconds) than another
    thread did, which the machine alone keeps waiting.
    """
    in_loop_s = in_thread_s = 0.0
    over = threading.Event()

    async def beat() -> None:
        nonlocal in_loop_s
        while True:
            before = time.monotonic()
            await asyncio.sleep(_BEAT_S)
            in_loop_s = max(in_loop_s, time.monotonic() - before - _BEAT_S)

    def beat_in_thread() -> None:
        nonlocal in_thread_s
        while not over.is_set():
            before = time.monotonic()
            time.sleep(_BEAT_S)
            in_thread_s = max(in_thread_s, time.monotonic() - before - _BEAT_S)

    task, thread = asyncio.create_task(beat()), threading.Thread(target=beat_in_thread)
    thread.start()
    try:
        yield lambda: in_loop_s - in_thread_s
    finally:
        over.set()
        task.cancel()
        thread.join()


def sequences(world: World) -> list[int]:
    return [body["metadata"]["sequence"] for body in world.received()]


async def opened(world: World) -> Sink:
    sink = world.sink()
    await sink.open()
    return sink


class SinkContract:
    """Each test gets a fresh `world`."""

    async def test_what_is_accepted_is_there_as_it_was_built(self, world: World) -> None:
        sink = await opened(world)
        batch = records(1, 30)
        assert await sink.send(batch) == Delivery()
        await sink.close()
        assert world.received() == [record.body for record in batch]

    async def test_closing_twice_or_unopened_is_harmless(self, world: World) -> None:
        sink = world.sink()
        await sink.close()
        await sink.open()
        await sink.close()
        await sink.close()

    async def test_an_outage_keeps_everything_and_ends_by_itself(self, world: World) -> None:
        sink = await opened(world)
        await sink.send(records(1, 3))
        world.go_away()
        for _ in range(3):
            with pytest.raises(SinkUnavailable):
                await sink.send(records(4, 6))
        world.come_back()
        assert await sink.send(records(4, 6)) == Delivery()
        await sink.close()
        assert sequences(world) == [1, 2, 3, 4, 5, 6]

    async def test_a_lost_answer_makes_no_duplicate(self, world: World) -> None:
        sink = await opened(world)
        await sink.send(records(1, 3))
        await world.send_and_lose_the_answer(sink, records(4, 6))
        assert await sink.send(records(4, 9)) == Delivery()
        await sink.close()
        assert sequences(world) == list(range(1, 10))

    async def test_a_restart_after_a_lost_answer_makes_no_duplicate(self, world: World) -> None:
        sink = await opened(world)
        await world.send_and_lose_the_answer(sink, records(1, 6))
        await sink.close()
        sink = await opened(world)
        assert await sink.send(records(1, 9)) == Delivery()
        await sink.close()
        assert sequences(world) == list(range(1, 10))

    async def test_a_refusal_of_us_is_told_and_heals(self, world: World) -> None:
        world.refuse_us()
        sink = world.sink()
        with pytest.raises(SinkMisconfigured):
            await self._open_and_send(sink, records(1, 3))
        world.admit_us()
        await self._open_and_send(sink, records(1, 3))
        await sink.close()
        assert sequences(world) == [1, 2, 3]

    async def test_all_lanes_through_outages_arrive_once(self, world: World) -> None:
        moods = iter([world.go_away, world.refuse_us, world.come_back])

        def next_mood(pauses: int) -> None:
            if pauses % 2 == 1:
                world.admit_us()
                world.come_back()
                next(moods, world.come_back)()

        world.go_away()
        backlog, _ = await everything_sent(world, next_mood)
        assert backlog.dead == []
        assert_complete(world)

    @pytest.mark.parametrize("mood", Mood)
    async def test_whatever_it_does_everything_arrives_once_and_nobody_waits_for_it(
        self, world: World, mood: Mood
    ) -> None:
        world.misbehave(mood)

        def behave_at_last(pauses: int) -> None:
            if pauses == 4:
                world.behave()

        async with heartbeat() as longest_silence_s:
            backlog, pauses = await everything_sent(world, behave_at_last)
        assert backlog.dead == []
        assert pauses >= 4 or mood is Mood.IS_SLOW
        assert_complete(world)
        assert longest_silence_s() < 0.25

    async def _open_and_send(self, sink: Sink, batch: Sequence[Record]) -> None:
        await sink.open()
        await sink.send(batch)


class JudgingSinkContract(SinkContract):
    """For destinations that look at each record, and can be slow."""

    @pytest.mark.parametrize("by_name", [True, False])
    async def test_half_of_a_batch_is_refused_and_the_other_half_arrives(
        self, world: JudgingWorld, by_name: bool
    ) -> None:
        world.refuse({2, 4, 6, 8}, by_name)
        dead, status = await self._drain(world, last=9)
        assert dead == [2, 4, 6, 8] and status == (5, 4)
        assert sequences(world) == [1, 3, 5, 7, 9]

    @pytest.mark.parametrize("by_name", [True, False])
    async def test_a_poison_record_is_set_aside_and_its_neighbours_arrive(
        self, world: JudgingWorld, by_name: bool
    ) -> None:
        world.refuse({77}, by_name)
        dead, status = await self._drain(world, last=100)
        assert dead == [77] and status == (99, 1)
        assert sequences(world) == [seq for seq in range(1, 101) if seq != 77]

    async def test_a_slow_destination_is_an_outage(self, world: JudgingWorld) -> None:
        sink = await opened(world)
        world.dawdle()
        with pytest.raises(SinkUnavailable):
            await sink.send(records(1, 3))
        world.hurry()
        await sink.send(records(1, 3))
        await asyncio.sleep(0)
        await sink.close()
        assert sequences(world) == [1, 2, 3]

    async def _drain(self, world: World, last: int) -> tuple[list[int], tuple[int, int]]:
        clock = JumpingClock()
        backlog = MemoryBacklog(clock, [reading(seq) for seq in range(1, last + 1)])
        forwarder = Forwarder("sink", world.sink(), backlog, GATEWAY, clock)
        with pytest.raises(Drained):
            await forwarder.run()
        assert all(lane is Lane.LIVE for lane, _ in backlog.dead)
        dead = [rejection.seq for _, rejection in backlog.dead]
        return dead, (forwarder.status.delivered, forwarder.status.rejected)
