"""What holds whatever a sink does: nothing lost, order kept, nothing settled that the sink has not decided on."""

import asyncio
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_sync.contract.topics import SENSOR_ALERTS, SENSOR_GAPS, SENSOR_READINGS
from cloud_sync.uplink.forwarder import Forwarder
from cloud_sync.uplink.interfaces import Batching, Entry, Lane, Rejection
from tests.cloud_sync.scripted import Drained, JumpingClock, MemoryBacklog, ScriptedSink, Step
from tests.cloud_sync.things import GATEWAY, change, gap, reading

TOPICS = {Lane.LIVE: SENSOR_READINGS, Lane.ALERTS: SENSOR_ALERTS, Lane.GAPS: SENSOR_GAPS}
CHEAP_STEPS = [step for step in Step if step is not Step.HANG]


@settings(deadline=None, max_examples=300)
@given(
    steps=st.lists(st.sampled_from(CHEAP_STEPS), max_size=30),
    hang_at=st.none() | st.integers(0, 5),
    poison=st.sets(st.integers(1, 60), max_size=12),
    names=st.booleans(),
    limit=st.integers(1, 70),
    linger_s=st.sampled_from([0.0, 30.0]),
    arrivals=st.lists(st.tuples(st.sampled_from(list(TOPICS)), st.integers(1, 15)), max_size=5),
)
def test_every_record_arrives_or_is_rejected_and_in_order(
    steps: list[Step],
    hang_at: int | None,
    poison: set[int],
    names: bool,
    limit: int,
    linger_s: float,
    arrivals: list[tuple[Lane, int]],
) -> None:
    if hang_at is not None:
        steps.insert(hang_at, Step.HANG)
    clock = JumpingClock()
    sink = ScriptedSink(steps, poison, names, Batching(limit, linger_s, deadline_s=0.003))
    make: dict[Lane, Callable[[int], Entry]] = {Lane.LIVE: reading, Lane.ALERTS: change, Lane.GAPS: gap}
    last = {Lane.LIVE: 50, Lane.ALERTS: 3, Lane.GAPS: 1}
    later: list[tuple[Lane, Sequence[Entry]]] = []
    for lane, count in [*arrivals, *((lane, 1) for lane in TOPICS)]:
        numbers = range(last[lane] + 1, last[lane] + 1 + count)
        later.append((lane, [make[lane](seq) for seq in numbers]))
        last[lane] = numbers[-1]
    sink.poison -= {last[lane] for lane in TOPICS}  # a refusal is proven only by a later acceptance
    backlog = MemoryBacklog(
        clock, [reading(seq) for seq in range(1, 51)], [change(1), change(2), change(3)], [gap(1)], later
    )

    def only_what_is_decided(lane: Lane, settled: Sequence[int], rejected: Sequence[Rejection]) -> None:
        refused = [rejection.seq for rejection in rejected]
        assert set(refused) == set(settled) & sink.poison
        assert all((TOPICS[lane], seq) in sink.received for seq in settled if seq not in refused)

    backlog.on_settle = only_what_is_decided
    forwarder = Forwarder("sink", sink, backlog, GATEWAY, clock)
    with pytest.raises(Drained):
        asyncio.run(forwarder.run())

    dead = set()
    for lane, topic in TOPICS.items():
        everything = set(range(1, last[lane] + 1))
        arrived = [seq for received_topic, seq in sink.received if received_topic == topic]
        first_arrivals = list(dict.fromkeys(arrived))
        assert first_arrivals == sorted(everything - sink.poison)
        dead |= {(lane, seq) for seq in everything & sink.poison}
    assert sorted((lane.value, rejection.seq) for lane, rejection in backlog.dead) == sorted(
        (lane.value, seq) for lane, seq in dead
    )
    assert forwarder.status.rejected == len(dead)
    assert forwarder.status.delivered == sum(last.values()) - len(dead)
