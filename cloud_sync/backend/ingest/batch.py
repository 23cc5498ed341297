"""Records that are written together, with all that can be made of them before the database is asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

from cloud_sync.backend.ingest.records import Record
from cloud_sync.contract.lines import COPY, body, in_order, newest
from cloud_sync.contract.rows import Body
from cloud_sync.contract.topics import SENSOR_READINGS


class Sheet(NamedTuple):
    """Readings as COPY takes them, and of each sensor the newest."""

    text: str
    newest: Sequence[Body]

    @classmethod
    def of(cls, records: Sequence[Record]) -> Self:
        lines = in_order([record.line for record in records])
        return cls("".join(lines), list(map(body, newest(lines))))


@dataclass(frozen=True, slots=True)
class Batch:
    """Records of one topic, those of a partition in their order. `before` and `after` are what the database says is
    next of each partition before they are written, and then.

    `good` are those that say something, at `times` (ISO 8601 in UTC), and `faulty` the others; `suspected` are readings
    that may be anomalies. `sheet` is of the good ones, if their topic is copied.
    """

    topic: str
    records: list[Record]
    before: Mapping[int, int]
    after: Mapping[int, int]
    good: Sequence[Record]
    faulty: Sequence[Record]
    times: Sequence[str]
    suspected: Sequence[Body]
    sheet: Sheet | None

    @classmethod
    def of(cls, topic: str, records: list[Record], before: Mapping[int, int]) -> Self:
        """Takes some microseconds a record, and so is made while the database is busy with the batch before."""
        good = [record for record in records if record.fault is None]
        return cls(
            topic,
            records,
            before,
            after={record.message.partition: record.message.offset + 1 for record in records},
            good=good,
            faulty=[record for record in records if record.fault is not None],
            times=[record.time for record in good],
            suspected=[record.body for record in good if record.is_suspected] if topic == SENSOR_READINGS else [],
            sheet=Sheet.of(good) if topic in COPY else None,
        )

    def with_faults(self, faulty: Sequence[Record]) -> Self:
        """These of its good records are not."""
        of = {id(record.message): record for record in faulty}
        return self.of(self.topic, [of.get(id(record.message), record) for record in self.records], self.before)
