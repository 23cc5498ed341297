"""What holds whatever a sink does: nothing lost, order kept, nothing settled that the sink has not decided on."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.domain.errors import StoreError
from cloud_sync.contract.topics import SENSOR_ALERTS, SENSOR_GAPS, SENSOR_READINGS, SENSOR_ROLLUPS
from cloud_sync.uplink.forwarder import Forwarder
from cloud_sync.uplink.interfaces import Batching, DeadLetter, Entry, Lane, Rejection
from tests.cloud_sync.scripted import READINGS, Drained, JumpingClock, MemoryBacklog, ScriptedSink, Step
from tests.cloud_sync.things import GATEWAY, change, gap, reading, rollup

TOPICS = {
    Lane.LIVE: SENSOR_READINGS, Lane.ALERTS: SENSOR_ALERTS, Lane.GAPS: SENSOR_GAPS, Lane.ROLLUPS: SENSOR_ROLLUPS,
    Lane.REPLAY: SENSOR_READINGS,
}  # fmt: skip
FIRST_LETTER = 1001


def letter(seq: int) -> DeadLetter:
    return DeadLetter(seq, reading(seq))


MAKE: dict[Lane, Callable[[int], Entry]] = {
    Lane.LIVE: reading, Lane.ALERTS: change, Lane.GAPS: gap, Lane.ROLLUPS: rollup, Lane.REPLAY: letter
}  # fmt: skip


class SickNowAndThen(MemoryBacklog):
    """Cannot note what is settled at the times that `sick` numbers."""

    def __init__(self, sick: set[int], *contents: Any, **more: Any) -> None:
        super().__init__(*contents, **more)
        self._sick = sick
        self._times = 0

    async def settle(self, sink: str, lane: Lane, after: int, upto: int, rejected: Sequence[Rejection]) -> None:
        self._times += 1
        if self._times in self._sick:
            raise StoreError("no space left on the disk")
        await super().settle(sink, lane, after, upto, rejected)


CHEAP_STEPS = [step for step in Step if step is not Step.HANG]
ARRIVALS = st.lists(
    st.tuples(st.sampled_from(list(TOPICS)), st.integers(1, 15)) | st.integers(1, 90),  # or the edge moves there
    max_size=6,
)


@settings(max_examples=250)
@given(
    steps=st.lists(st.sampled_from(CHEAP_STEPS), max_size=30),
    hang_at=st.none() | st.integers(0, 5),
    poison=st.sets(st.integers(1, 60) | st.integers(FIRST_LETTER, FIRST_LETTER + 5), max_size=12),
    names=st.booleans(),
    limit=st.integers(1, 70),
    linger_s=st.sampled_from([0.0, 30.0]),
    edge=st.integers(0, 60),
    refuses_all=st.tuples(st.integers(0, 20), st.integers(0, 50)),
    sick=st.sets(st.integers(1, 15), max_size=4),
    arrivals=ARRIVALS,
)
def test_every_record_arrives_or_is_set_aside_once_and_in_order(
    steps: list[Step],
    hang_at: int | None,
    poison: set[int],
    names: bool,
    limit: int,
    linger_s: float,
    edge: int,
    refuses_all: tuple[int, int],
    sick: set[int],
    arrivals: list[tuple[Lane, int] | int],
) -> None:
    if hang_at is not None:
        steps.insert(hang_at, Step.HANG)
    clock = JumpingClock()
    sink = ScriptedSink(steps, poison, names, Batching(limit, linger_s, deadline_s=0.003), refuses_all)
    last = {Lane.LIVE: 50, Lane.ALERTS: 3, Lane.GAPS: 1, Lane.ROLLUPS: 0, Lane.REPLAY: FIRST_LETTER - 1}
    later: list[tuple[Lane, Sequence[Entry]] | Callable[[MemoryBacklog], None]] = []
    for arrival in [*arrivals, *((lane, 1) for lane in TOPICS)]:
        if isinstance(arrival, int):
            later.append(lambda backlog, to=arrival: backlog.move_edge(to))  # type: ignore[misc]
            continue
        lane, count = arrival
        numbers = range(last[lane] + 1, last[lane] + 1 + count)
        later.append((lane, [MAKE[lane](seq) for seq in numbers]))
        last[lane] = numbers[-1]
    sink.poison -= set(last.values())  # a refusal is proven only by a later acceptance

    def measure_on(backlog: MemoryBacklog) -> None:
        """Until nothing is left of the backlog, whose last refusals only new readings can prove."""
        if backlog.entries[Lane.BACKLOG]:
            last[Lane.LIVE] += 1
            sink.poison.discard(last[Lane.LIVE])
            backlog.bring(Lane.LIVE, [reading(last[Lane.LIVE])])
            backlog.later.append(measure_on)

    later.append(measure_on)
    backlog = SickNowAndThen(
        sick,
        clock,
        [reading(seq) for seq in range(1, 51)],
        [change(1), change(2), change(3)],
        [gap(1)],
        later,
        edge=edge,
    )

    def only_what_is_decided(lane: Lane, settled: Sequence[int], rejected: Sequence[Rejection]) -> None:
        refused = [rejection.seq for rejection in rejected]
        topic = SENSOR_READINGS if lane in READINGS else TOPICS[lane]
        assert settled and set(refused) <= set(settled)
        assert all((topic, seq) in sink.received for seq in settled if seq not in refused)
        if lane is not Lane.REPLAY:  # a dead letter may stay one
            assert set(refused) == set(settled) & sink.poison

    backlog.on_settle = only_what_is_decided
    forwarder = Forwarder("sink", sink, backlog, GATEWAY, clock)
    with pytest.raises(Drained):
        asyncio.run(forwarder.run())

    dead = [(SENSOR_READINGS if lane in READINGS else TOPICS[lane], rejection.seq) for lane, rejection in backlog.dead]
    assert len(set(dead)) == len(dead)
    assert not {(topic, seq) for topic, seq in dead if seq < FIRST_LETTER or not sick} & set(sink.received)
    everything = {
        (topic, seq)
        for lane, topic in TOPICS.items()
        for seq in range(FIRST_LETTER if lane is Lane.REPLAY else 1, last[lane] + 1)
    }
    assert set(dead) | set(sink.received) == everything
    if not sick:
        assert forwarder.status.rejected == len(dead)
        assert forwarder.status.delivered == len(everything) - len(dead)
    if not any(isinstance(arrival, int) for arrival in arrivals) and refuses_all[0] >= refuses_all[1]:
        in_order(sink.received, min(edge, 50))


def in_order(received: Sequence[tuple[str, int]], edge: int) -> None:
    """Within each lane the first arrivals are in order."""
    first_arrivals = list(dict.fromkeys(received))
    for topic in TOPICS.values():
        arrived = [seq for one, seq in first_arrivals if one == topic]
        live = [seq for seq in arrived if edge < seq < FIRST_LETTER]
        backlog = [seq for seq in arrived if seq <= edge]
        replayed = [seq for seq in arrived if seq >= FIRST_LETTER]
        for lane in (live, backlog, replayed):
            assert (topic == SENSOR_READINGS and lane == sorted(lane)) or arrived == sorted(arrived)
