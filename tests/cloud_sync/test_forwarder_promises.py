"""What holds whatever a sink does: nothing lost, order kept, nothing settled that the sink has not decided on."""

import asyncio
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_sync.contract.topics import SENSOR_ALERTS, SENSOR_GAPS, SENSOR_READINGS
from cloud_sync.uplink.forwarder import Forwarder
from cloud_sync.uplink.interfaces import Batching, Entry, Rejection, Stream
from tests.cloud_sync.scripted import Drained, JumpingClock, MemoryBacklog, ScriptedSink, Step
from tests.cloud_sync.things import GATEWAY, change, gap, reading

TOPICS = {Stream.READINGS: SENSOR_READINGS, Stream.ALERTS: SENSOR_ALERTS, Stream.GAPS: SENSOR_GAPS}
CHEAP_STEPS = [step for step in Step if step is not Step.HANG]


@settings(deadline=None, max_examples=300)
@given(
    steps=st.lists(st.sampled_from(CHEAP_STEPS), max_size=30),
    hang_at=st.none() | st.integers(0, 5),
    poison=st.sets(st.integers(1, 60), max_size=12),
    names=st.booleans(),
    limit=st.integers(1, 70),
    linger_s=st.sampled_from([0.0, 30.0]),
    arrivals=st.lists(st.tuples(st.sampled_from(list(Stream)), st.integers(1, 15)), max_size=5),
)
def test_every_record_arrives_or_is_rejected_and_in_order(
    steps: list[Step],
    hang_at: int | None,
    poison: set[int],
    names: bool,
    limit: int,
    linger_s: float,
    arrivals: list[tuple[Stream, int]],
) -> None:
    if hang_at is not None:
        steps.insert(hang_at, Step.HANG)
    clock = JumpingClock()
    sink = ScriptedSink(steps, poison, names, Batching(limit, linger_s, deadline_s=0.003))
    make: dict[Stream, Callable[[int], Entry]] = {Stream.READINGS: reading, Stream.ALERTS: change, Stream.GAPS: gap}
    last = {Stream.READINGS: 50, Stream.ALERTS: 3, Stream.GAPS: 1}
    later: list[tuple[Stream, Sequence[Entry]]] = []
    for stream, count in [*arrivals, *((stream, 1) for stream in Stream)]:
        numbers = range(last[stream] + 1, last[stream] + 1 + count)
        later.append((stream, [make[stream](seq) for seq in numbers]))
        last[stream] = numbers[-1]
    sink.poison -= {last[stream] for stream in Stream}  # a refusal is proven only by a later acceptance
    backlog = MemoryBacklog(
        clock, [reading(seq) for seq in range(1, 51)], [change(1), change(2), change(3)], [gap(1)], later
    )

    def only_what_is_decided(stream: Stream, settled: Sequence[int], rejected: Sequence[Rejection]) -> None:
        refused = [rejection.seq for rejection in rejected]
        assert set(refused) == set(settled) & sink.poison
        assert all((TOPICS[stream], seq) in sink.received for seq in settled if seq not in refused)

    backlog.on_settle = only_what_is_decided
    forwarder = Forwarder("sink", sink, backlog, GATEWAY, clock)
    with pytest.raises(Drained):
        asyncio.run(forwarder.run())

    dead = set()
    for stream, topic in TOPICS.items():
        everything = set(range(1, last[stream] + 1))
        arrived = [seq for received_topic, seq in sink.received if received_topic == topic]
        first_arrivals = list(dict.fromkeys(arrived))
        assert first_arrivals == sorted(everything - sink.poison)
        dead |= {(stream, seq) for seq in everything & sink.poison}
    assert sorted((stream.value, rejection.seq) for stream, rejection in backlog.dead) == sorted(
        (stream.value, seq) for stream, seq in dead
    )
    assert forwarder.status.rejected == len(dead)
    assert forwarder.status.delivered == sum(last.values()) - len(dead)
