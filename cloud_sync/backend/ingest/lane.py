"""The records of one topic that wait for the database."""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cloud_sync.backend.ingest.backoff import Backoff
from cloud_sync.backend.ingest.batch import Batch
from cloud_sync.backend.ingest.records import Message, Record


@dataclass(frozen=True, slots=True)
class Limits:
    """A batch has about so many records or bytes at most, and its first record waits so long for others."""

    records: int = 5000
    bytes: int = 8 << 20
    age_s: float = 0.5


class Lane:
    """Takes messages in, decodes them in their order, and makes batches of them. `backoff` is of what only this topic
    suffers from.
    """

    def __init__(
        self,
        topic: str,
        decode: Callable[[Message], Record],
        limits: Limits,
        clock: Callable[[], float],
        backoff: Backoff,
    ) -> None:
        self.topic = topic
        self.backoff = backoff
        self._decode = decode
        self._limits = limits
        self._clock = clock
        self._raw: deque[Message] = deque()
        self._records: list[Record] = []
        self._prepared: Batch | None = None  # of these records, until there are others
        self._bytes = 0
        self._since_s = 0.0
        self._next: dict[
            int, int
        ] = {}  # of each partition that is ours: what the database says once all before is written

    @property
    def waiting(self) -> int:
        return len(self._raw) + len(self._records)

    @property
    def full(self) -> bool:
        return self.waiting >= self._limits.records or self._bytes >= self._limits.bytes

    @property
    def undecoded(self) -> int:
        return len(self._raw)

    @property
    def since_s(self) -> float:
        """Since when the first record waits."""
        return self._since_s

    @property
    def due(self) -> bool:
        """Whether a batch is to be written now."""
        if not self._records or not self.backoff.ready:
            return False
        return self.full or self._clock() - self._since_s >= self._limits.age_s

    def begin(self, partition: int, offset: int) -> None:
        """The partition is ours, and read from there on."""
        self.forget([partition])
        self._next[partition] = offset

    def forget(self, partitions: Iterable[int]) -> None:
        """The partitions are no longer ours, or not at that place."""
        gone, self._prepared = set(partitions), None
        for partition in gone:
            self._next.pop(partition, None)
        self._raw = deque(message for message in self._raw if message.partition not in gone)
        self._records = [record for record in self._records if record.message.partition not in gone]
        self._bytes = sum(message.size for message in self._messages())

    def take(self, message: Message) -> None:
        if message.partition not in self._next:
            return  # fetched before the partition was taken from us
        if not self.waiting:
            self._since_s = self._clock()
        self._raw.append(message)
        self._bytes += message.size

    def decode(self) -> None:
        """Raises what the registry does; what is left waits for the next call."""
        if self._raw:
            self._prepared = None
        while self._raw:
            self._records.append(self._decode(self._raw[0]))
            self._raw.popleft()

    def prepare(self) -> None:
        """Make the next batch of what is decoded, before it is due."""
        if self._prepared is None:
            self._prepared = Batch.of(self.topic, self._records, dict(self._next))

    def batch(self) -> Batch:
        """All that is decoded."""
        batch = self._prepared or Batch.of(self.topic, self._records, dict(self._next))
        self._prepared, self._records, self._bytes = None, [], sum(message.size for message in self._raw)
        self._since_s = self._clock()
        self._next |= batch.after
        return batch

    def put_back(self, batch: Batch) -> None:
        """It was not written; of what is no longer ours nothing is kept."""
        self._prepared = None
        kept = [record for record in batch.records if record.message.partition in self._next]
        self._next |= {record.message.partition: batch.before[record.message.partition] for record in kept}
        self._records = [*kept, *self._records]
        self._bytes += sum(record.message.size for record in kept)

    def _messages(self) -> Iterable[Message]:
        yield from self._raw
        for record in self._records:
            yield record.message
