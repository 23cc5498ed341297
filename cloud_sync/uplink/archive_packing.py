"""Records as gzip members of the archive's files. Small, since the process that packs a backlog imports it."""

from collections.abc import Sequence
from dataclasses import dataclass

from cloud_sync.contract.jsontext import json_bytes
from cloud_sync.contract.record import Record
from cloud_sync.contract.timestamps import utc_day
from cloud_sync.uplink.gzip_members import packed


def by_day(batch: Sequence[Record]) -> dict[str, list[Record]]:
    """The records of each UTC day, in their order."""
    days: dict[str, list[Record]] = {}
    for record in batch:
        days.setdefault(utc_day(record.time_us), []).append(record)
    return days


def member(records: Sequence[Record], level: int) -> bytes:
    """One member of JSON Lines; `level` is gzip's."""
    payload = b"".join([json_bytes(record.body) + b"\n" for record in records])
    return packed(payload, records[0].seq, records[-1].seq, level)


@dataclass(frozen=True, slots=True)
class ArchivePacking:
    """The member for each day of `by_day`."""

    level: int

    def __call__(self, batch: Sequence[Record]) -> dict[str, bytes]:
        return {day: member(records, self.level) for day, records in by_day(batch).items()}
