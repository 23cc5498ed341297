"""What was taken from a lane, as the records to send."""

import asyncio
from dataclasses import dataclass
from itertools import takewhile

from agent.domain.alarm import AlarmChange
from agent.domain.clock import Instant
from agent.domain.gateway_health import GatewayHealth
from agent.domain.reading import Gap, Rollup, StoredReading
from cloud_sync.contract.record import Record
from cloud_sync.contract.records import reading_record, record
from cloud_sync.contract.topics import GATEWAY_HEALTH, SENSOR_ALERTS, SENSOR_GAPS, SENSOR_READINGS, SENSOR_ROLLUPS
from cloud_sync.uplink.interfaces import DeadLetter, Entry, Rejection, Taken

_AT_ONCE = 250
_TOPICS = {
    StoredReading: SENSOR_READINGS,
    AlarmChange: SENSOR_ALERTS,
    Gap: SENSOR_GAPS,
    Rollup: SENSOR_ROLLUPS,
    GatewayHealth: GATEWAY_HEALTH,
}


@dataclass(frozen=True, slots=True)
class Batch:
    """Records of one topic, taken after sequence number `after`.

    `unsendable` are those of which no record can be made, by sequence number. `oldest` is when the first one happened.
    `full`: as many as were asked for, so there are perhaps more.
    """

    after: int
    topic: str
    records: list[Record]
    unsendable: dict[int, Rejection]
    oldest: Instant
    full: bool

    @property
    def upto(self) -> int:
        return self.records[-1].seq


async def built(taken: Taken, limit: int, gateway: str) -> Batch:
    """The first entries of one topic (dead letters may be of several), out of at most `limit` that were asked for.

    Everybody else gets a turn in between: a gateway with one core polls and alarms on it, too.
    """
    first, full = taken.entries[0], len(taken.entries) >= limit
    topic = _TOPICS[type(_content(first))]
    batch = Batch(taken.after, topic, [], {}, happened(first), full)
    for at in range(0, len(taken.entries), _AT_ONCE):
        some = taken.entries[at : at + _AT_ONCE]
        try:
            # Most often they are readings, millions after an outage: asked here, since two more calls would cost more.
            records = [
                reading_record(entry, gateway) if type(entry) is StoredReading else _record(entry, gateway)
                for entry in some
            ]
        except Exception:
            records = [_record_or_none(entry, gateway, batch.unsendable) for entry in some]
        batch.records.extend(takewhile(lambda record: record.topic == topic, records))
        if len(batch.records) < at + len(some):
            break
        await asyncio.sleep(0)
    return batch


def happened(entry: Entry) -> Instant:
    """When it happened; of a gap or a roll-up the wall time alone is known, so it is of no boot."""
    match entry:
        case StoredReading():
            return entry.checked.reading.at
        case AlarmChange() | GatewayHealth():
            return entry.at
        case Gap():
            return Instant(entry.to_us, 0.0, "", False)
        case Rollup():
            return Instant(entry.minute_us, 0.0, "", entry.trusted)
        case DeadLetter():
            return happened(entry.entry)


def _content(entry: Entry) -> StoredReading | AlarmChange | Gap | Rollup | GatewayHealth:
    return entry.entry if isinstance(entry, DeadLetter) else entry


def _record(entry: Entry, gateway: str) -> Record:
    if isinstance(entry, DeadLetter):
        return record(entry.entry, gateway)._replace(seq=entry.seq)
    return record(entry, gateway)


def _record_or_none(entry: Entry, gateway: str, unsendable: dict[int, Rejection]) -> Record:
    try:
        return _record(entry, gateway)
    except Exception as error:
        unsendable[entry.seq] = Rejection(entry.seq, f"no record can be made of it: {error!r}")
        return Record(entry.seq, _TOPICS[type(_content(entry))], "", 0, {})
