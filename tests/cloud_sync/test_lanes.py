"""What reaches the sink first, how much of it, and what waits for what."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from agent.domain.errors import SinkUnavailable
from cloud_sync.contract.topics import SENSOR_ALERTS, SENSOR_READINGS
from cloud_sync.uplink.forwarder import Forwarder
from cloud_sync.uplink.interfaces import Batching, DeadLetter, Delivery, Entry, Lane, Record, Rejection, Taken
from cloud_sync.uplink.link import Link
from tests.cloud_sync.scripted import Drained, JumpingClock, MemoryBacklog, ScriptedSink, Step
from tests.cloud_sync.things import GATEWAY, change, gap, reading, rollup


@pytest.fixture
def clock() -> JumpingClock:
    return JumpingClock()


def readings(count: int) -> list[Entry]:
    return [reading(seq) for seq in range(1, count + 1)]


async def drain(sink: ScriptedSink, backlog: MemoryBacklog, clock: JumpingClock, **settings: Any) -> Forwarder:
    under_test = Forwarder("sink", sink, backlog, GATEWAY, clock, uniform=lambda low, high: high, **settings)
    with pytest.raises(Drained):
        await under_test.run()
    return under_test


class Slow(ScriptedSink):
    """Takes a tenth of a second for each batch, whatever its size."""

    def __init__(self, clock: JumpingClock, **settings: Any) -> None:
        super().__init__(**settings)
        self.clock = clock

    async def send(self, batch: Sequence[Record]) -> Delivery:
        self.clock.time_s += 0.1
        return await super().send(batch)


async def test_the_newest_readings_go_before_the_backlog_which_keeps_its_share(clock: JumpingClock) -> None:
    sink = Slow(clock, batching=Batching(10))
    backlog = MemoryBacklog(clock, readings(2000), edge=1000)
    await drain(sink, backlog, clock)
    lanes = ["live" if seq > 1000 else "backlog" for _, seq in sink.received[::10]]
    while_both = lanes[: 1 + max(at for at, lane in enumerate(lanes) if lane == "live")]
    assert lanes[0] == "live"
    assert 0.3 <= while_both.count("backlog") / len(while_both) <= 0.34
    assert [seq for _, seq in sink.received if seq <= 1000] == list(range(1, 1001))


async def test_while_live_readings_linger_the_backlog_has_all_slots(clock: JumpingClock) -> None:
    sink = Slow(clock, batching=Batching(10, linger_s=30.0))
    backlog = MemoryBacklog(clock, readings(1005), edge=1000)
    await drain(sink, backlog, clock)
    assert [seq for _, seq in sink.received] == [*range(1001, 1006), *range(1, 1001)]
    assert clock.time_s < 1000 + 102 * (0.1 + 0.05) + 2.1


async def test_the_next_batch_is_taken_while_one_is_on_its_way(clock: JumpingClock) -> None:
    order: list[str] = []

    class Watched(MemoryBacklog):
        async def take(self, sink: str, lane: Lane, limit: int, beyond: int = 0, patient: bool = False) -> Taken:
            if lane is Lane.BACKLOG:
                order.append(f"take beyond {beyond}")
            return await super().take(sink, lane, limit, beyond, patient)

    class Watching(ScriptedSink):
        async def send(self, batch: Sequence[Record]) -> Delivery:
            order.append(f"send {batch[0].seq}")
            await asyncio.sleep(0.002)
            order.append("sent")
            return await super().send(batch)

    await drain(Watching(batching=Batching(10)), Watched(clock, readings(40), edge=40), clock)
    assert order[0] == "take beyond 0"
    for sent, beyond in (("send 1", 10), ("send 11", 20)):
        assert order.index(f"take beyond {beyond}") < order.index("sent", order.index(sent))
    assert order.count("take beyond 0") == 2, "at the start, and when all was gone"


async def test_after_a_failure_one_record_is_the_probe_whatever_was_taken_ahead(clock: JumpingClock) -> None:
    sink = ScriptedSink([Step.ACCEPT, Step.ACCEPT, Step.UNAVAILABLE], batching=Batching(10))
    backlog = MemoryBacklog(clock, readings(200), edge=100)
    await drain(sink, backlog, clock)
    assert sink.sizes[:5] == [10, 10, 10, 1, 10]
    assert len(set(sink.received)) == len(sink.received) == 200


async def test_a_refused_reading_of_the_backlog_is_proven_by_a_live_one(clock: JumpingClock) -> None:
    """Nothing comes after it in its own lane, and nothing ever will."""
    sink = ScriptedSink(poison=[5])
    backlog = MemoryBacklog(clock, readings(5), later=[(Lane.LIVE, [reading(6)])] + [(Lane.LIVE, [])] * 2, edge=5)
    await drain(sink, backlog, clock)
    assert backlog.dead == [(Lane.BACKLOG, Rejection(5, "bad batch"))]
    assert clock.time_s < 1010, "at once, not when it is offered again anyway"


async def test_a_whole_backlog_that_is_refused_is_not_set_aside_because_live_readings_are_taken(
    clock: JumpingClock,
) -> None:
    """As by a database that takes no rows older than a week."""
    sink = ScriptedSink(poison=range(1, 101), names=True)
    backlog = MemoryBacklog(clock, readings(200), edge=100, until=2000.0)
    under_test = await drain(sink, backlog, clock)
    assert backlog.dead == [] and len(backlog.entries[Lane.BACKLOG]) == 100
    assert not backlog.entries[Lane.LIVE]
    assert under_test.status.needs_a_person


async def test_a_dead_letter_that_is_refused_again_stays_one_and_holds_nothing_up(clock: JumpingClock) -> None:
    backlog = MemoryBacklog(clock)
    letters = [DeadLetter(1, change(8)), DeadLetter(2, reading(70)), DeadLetter(3, reading(71))]
    backlog.bring(Lane.REPLAY, letters)
    sink = ScriptedSink(poison=[1, 3])
    await drain(sink, backlog, clock)
    assert sink.received == [(SENSOR_READINGS, 2)]
    assert [rejection.seq for _, rejection in backlog.dead] == [1, 3]


async def test_what_is_no_record_is_set_aside_and_its_neighbours_arrive(clock: JumpingClock) -> None:
    for damaged in ({5}, {5, 6, 7}, {1}, {2, 9}):
        entries = [reading(seq, utc_us=10**18 if seq in damaged else None) for seq in range(1, 11)]
        backlog, sink = MemoryBacklog(clock, entries), ScriptedSink(batching=Batching(3))
        await drain(sink, backlog, clock)
        assert {rejection.seq for _, rejection in backlog.dead} == damaged
        assert all("no record can be made of it: OverflowError" in one.because for _, one in backlog.dead)
        assert len(sink.received) == 10 - len(damaged)


async def test_readings_wait_for_the_clock_until_the_link_was_up_long_enough(clock: JumpingClock) -> None:
    later = [(Lane.LIVE, [reading(seq)]) for seq in range(2, 400)]
    times: list[tuple[float, bool]] = []

    class Noting(MemoryBacklog):
        async def take(self, sink: str, lane: Lane, limit: int, beyond: int = 0, patient: bool = False) -> Taken:
            if limit > 1:
                times.append((clock.time_s, patient))
            return await super().take(sink, lane, limit, beyond, patient)

    backlog = Noting(clock, readings(1), later=later)
    sink = ScriptedSink([Step.ACCEPT] * 50 + [Step.UNAVAILABLE])
    await drain(sink, backlog, clock, link=Link(clock_patience_s=60.0))
    down_s = 1100.0  # the 51st send fails
    assert all(patient for at, patient in times if at < 1060)
    assert not any(patient for at, patient in times if 1060 <= at < down_s)
    assert all(patient for at, patient in times if down_s + 1 < at < down_s + 60)
    assert not any(patient for at, patient in times if at > down_s + 62)


async def test_a_sink_that_never_opens_decides_no_time(clock: JumpingClock) -> None:
    class Away(ScriptedSink):
        async def open(self) -> None:
            if clock.time_s < 50_000:
                raise SinkUnavailable("away")

    backlog = MemoryBacklog(clock, readings(3))
    await drain(Away(), backlog, clock)
    asked_while_away = backlog.patience[:-20]
    assert len(asked_while_away) > 1000 and all(asked_while_away)


async def test_on_a_metered_link_only_what_is_small_or_urgent_goes(clock: JumpingClock) -> None:
    backlog = MemoryBacklog(clock, readings(20), [change(1)], [gap(1)], edge=10, until=1100.0)
    backlog.bring(Lane.ROLLUPS, [rollup(1)])
    backlog.bring(Lane.REPLAY, [DeadLetter(1, reading(3))])
    sink = ScriptedSink()
    under_test = await drain(sink, backlog, clock, link=Link(metered=True))
    assert len(sink.received) == 4 and (SENSOR_READINGS, 1) in sink.received
    assert {lane for lane, left in backlog.entries.items() if left} == {Lane.LIVE, Lane.BACKLOG}
    assert set(under_test.status.lanes) == set(Lane) - {Lane.LIVE, Lane.BACKLOG, Lane.HEALTH}


class Counting(ScriptedSink):
    """A hundred bytes a record."""

    def __init__(self, clock: JumpingClock, **settings: Any) -> None:
        super().__init__(**settings)
        self.clock = clock
        self.times: list[tuple[float, str, int]] = []

    async def send(self, batch: Sequence[Record]) -> Delivery:
        self.times.append((self.clock.time_s, batch[0].topic, 100 * len(batch)))
        await super().send(batch)
        return Delivery(sent_bytes=100 * len(batch))


async def test_a_capped_link_paces_everything_but_alerts(clock: JumpingClock) -> None:
    later = [(Lane.ALERTS, [change(seq)]) for seq in range(1, 11)]
    backlog = MemoryBacklog(clock, readings(1000), later=later, edge=900)
    sink = Counting(clock, batching=Batching(20))
    await drain(sink, backlog, clock, link=Link(max_kbit_s=8.0))  # ten records a second
    paced = [(at, size) for at, topic, size in sink.times if topic != SENSOR_ALERTS]
    assert sum(size for _, size in paced) == 100_000
    assert 1000 + 92 <= clock.time_s <= 1000 + 105
    for at, _ in paced:
        assert sum(size for other, size in paced if at <= other <= at + 10) <= 10_000 + 5000 + 2000
    alerts = [at for at, topic, _ in sink.times if topic == SENSOR_ALERTS]
    brought = [1000 + 2.0 * number for number in range(1, 11)]
    assert len(alerts) == 10 and all(at <= latest for at, latest in zip(alerts, brought, strict=True))


async def test_the_ages_of_what_waits_are_shown(clock: JumpingClock) -> None:
    old = reading(1)
    sink = ScriptedSink([Step.UNAVAILABLE] * 1000)
    lost = replace(gap(1), to_us=400_000_000)
    backlog = MemoryBacklog(clock, [old, reading(2)], gaps=[lost], edge=1)
    under_test = Forwarder("sink", sink, backlog, GATEWAY, clock)
    task = asyncio.create_task(under_test.run())
    while len(sink.sizes) < 50:
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    lanes = under_test.status.lanes
    assert lanes[Lane.ALERTS].oldest_age_s is None
    assert lanes[Lane.BACKLOG].oldest_age_s == clock.time_s - old.checked.reading.at.boot_s, "of this boot"
    assert lanes[Lane.GAPS].oldest_age_s == pytest.approx(clock.time_s - 400), "by wall time"
    assert under_test.status.circuit.value in ("open", "half-open")


async def test_each_lane_is_counted(clock: JumpingClock) -> None:
    backlog = MemoryBacklog(clock, readings(30), [change(1), change(2)], edge=20)
    under_test = await drain(ScriptedSink(poison=[4]), backlog, clock)
    counted = {lane: (one.delivered, one.rejected) for lane, one in under_test.status.lanes.items()}
    assert counted[Lane.LIVE] == (10, 0) and counted[Lane.BACKLOG] == (19, 1) and counted[Lane.ALERTS] == (2, 0)
    assert all(one.oldest_age_s is None for one in under_test.status.lanes.values())
