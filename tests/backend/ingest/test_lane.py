"""A lane against a model of the database: whatever fails or changes owner, each offset is written once and in order."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cloud_sync.backend.ingest.backoff import Backoff
from cloud_sync.backend.ingest.batch import Batch
from cloud_sync.backend.ingest.lane import Lane, Limits
from cloud_sync.backend.ingest.records import Message, Record
from cloud_sync.contract.errors import RegistryUnavailable

PARTITIONS = st.integers(0, 2)


class LaneMachine(RuleBasedStateMachine):
    """`next` is the database's; `fetched` is what Kafka gives next of the partitions that are ours."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self.registry_is_away = False
        backoff = Backoff(lambda: self.now_s, lambda low, high: high)
        self.lane = Lane("t", self.decode, Limits(records=10, bytes=1000, age_s=1.0), lambda: self.now_s, backoff)
        self.next = dict.fromkeys(range(3), 0)
        self.fetched: dict[int, int] = {}
        self.written: dict[int, list[int]] = {number: [] for number in range(3)}

    def decode(self, message: Message) -> Record:
        if self.registry_is_away:
            raise RegistryUnavailable("away")
        return Record(message, {"time": f"{message.offset}"})

    @rule(partition=PARTITIONS)
    def assign(self, partition: int) -> None:
        self.lane.begin(partition, self.next[partition])
        self.fetched[partition] = self.next[partition]

    @rule(partition=PARTITIONS)
    def revoke(self, partition: int) -> None:
        self.lane.forget([partition])
        self.fetched.pop(partition, None)

    @rule(partition=PARTITIONS, count=st.integers(1, 4))
    def fetch(self, partition: int, count: int) -> None:
        offset = self.fetched.get(partition, 100)  # of one that is not ours: what came before it was taken away
        for n in range(count):
            self.lane.take(Message(partition, offset + n, b"k", b"v" * 10, None))
        if partition in self.fetched:
            self.fetched[partition] = offset + count

    @rule(away=st.booleans())
    def look_up(self, away: bool) -> None:
        self.registry_is_away = away
        try:
            self.lane.decode()
        except RegistryUnavailable:
            assert away
        else:
            assert self.lane.undecoded == 0

    @rule()
    def prepare(self) -> None:
        self.lane.prepare()

    @rule(partition=PARTITIONS, count=st.integers(1, 3))
    def another_owner_writes(self, partition: int, count: int) -> None:
        self.written[partition] += range(self.next[partition], self.next[partition] + count)
        self.next[partition] += count

    @precondition(lambda self: self.lane.due)
    @rule(outcome=st.sampled_from(["written", "away", "away but written"]), meanwhile=st.data())
    def write(self, outcome: str, meanwhile: st.DataObject) -> None:
        batch = self.lane.batch()
        partition = meanwhile.draw(PARTITIONS)
        {"revoke": self.revoke, "assign": self.reassign, "fetch": self.fetch_one, "prepare": self.prepare_one}[
            meanwhile.draw(st.sampled_from(["revoke", "assign", "fetch", "prepare"]))
        ](partition)
        moved = [number for number in batch.after if self.next[number] != batch.before[number]]
        if outcome == "away":
            self.lane.put_back(batch)
        elif moved:
            self.lane.forget(moved)
            self.lane.put_back(batch)
            for number in moved:
                if number in self.fetched:
                    self.assign(number)
        else:
            self.commit(batch)
            if outcome == "away but written":
                self.lane.put_back(batch)

    def reassign(self, partition: int) -> None:
        """Taken away and given back; it is placed only when the write has ended."""
        self.revoke(partition)

    def fetch_one(self, partition: int) -> None:
        self.fetch(partition, 1)

    def prepare_one(self, partition: int) -> None:
        self.fetch(partition, 1)
        self.look_up(away=False)
        self.prepare()

    def commit(self, batch: Batch) -> None:
        for record in batch.records:
            self.written[record.message.partition].append(record.message.offset)
        self.next |= batch.after

    @rule(seconds=st.floats(0.1, 2.0))
    def wait(self, seconds: float) -> None:
        self.now_s += seconds

    @invariant()
    def each_offset_is_written_once_and_in_order(self) -> None:
        for number, offsets in self.written.items():
            assert offsets == list(range(self.next[number]))


TestLane: Any = LaneMachine.TestCase
TestLane.settings = settings(max_examples=200, stateful_step_count=40)


def lane_of(*partitions: int) -> Lane:
    lane = Lane("t", lambda message: Record(message, {"time": ""}), Limits(), lambda: 0.0, Backoff(lambda: 0.0))
    for partition in partitions:
        lane.begin(partition, 0)
    return lane


def take_in(lane: Lane, partition: int, offset: int) -> None:
    lane.take(Message(partition, offset, None, b"v", None))
    lane.decode()


def places(batch: Batch) -> list[tuple[int, int]]:
    return [(record.message.partition, record.message.offset) for record in batch.good]


def test_what_is_prepared_goes_with_its_partition() -> None:
    lane = lane_of(0, 1)
    take_in(lane, 0, 0)
    take_in(lane, 1, 0)
    lane.prepare()
    lane.forget([0])
    batch = lane.batch()
    assert (places(batch), batch.before, batch.after) == ([(1, 0)], {1: 0}, {1: 1})


def test_a_batch_that_is_prepared_gives_way_to_what_comes_then() -> None:
    lane = lane_of(0)
    take_in(lane, 0, 0)
    lane.prepare()
    take_in(lane, 0, 1)
    assert places(lane.batch()) == [(0, 0), (0, 1)]
    take_in(lane, 0, 2)
    lane.prepare()
    failed = lane.batch()
    assert (places(failed), places(lane.batch())) == ([(0, 2)], [])
    take_in(lane, 0, 3)
    lane.prepare()
    lane.put_back(failed)
    assert places(lane.batch()) == [(0, 2), (0, 3)]


def test_a_batch_is_due_when_it_is_full_or_old() -> None:
    now_s = 0.0
    backoff = Backoff(lambda: now_s)
    lane = Lane("t", lambda message: Record(message, {"time": ""}), Limits(3, 100, 1.0), lambda: now_s, backoff)
    lane.begin(0, 5)

    def take(offset: int, size: int = 1) -> None:
        lane.take(Message(0, offset, None, b"v" * size, None))
        lane.decode()

    take(5)
    assert not lane.due
    now_s = 1.0
    assert lane.due
    batch = lane.batch()
    assert (batch.before, batch.after, lane.waiting, lane.due) == ({0: 5}, {0: 6}, 0, False)
    take(6), take(7), take(8)
    assert lane.full
    assert lane.due
    lane.batch()
    take(9, size=100)
    assert lane.full
    assert lane.due
    lane.backoff.failed("refused")
    assert not lane.due
