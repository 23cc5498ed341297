"""One file of the archive: the records of one topic and one UTC day, as compressed JSON Lines.

An append is durable when it returns, and writes nothing that is there already. What a power cut left of the last
member is cut off; a file that is damaged in any other way is set aside under another name, never deleted.
"""

import json
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from cloud_sync.contract.record import Identity, Record, identity
from cloud_sync.uplink.archive_packing import member as packed_member
from cloud_sync.uplink.gzip_members import Member, begins_like_a_member, later_member, unpacked, walk

log = logging.getLogger(__name__)

_LARGEST_TAIL = 32 * 1024 * 1024  # no batch is larger, so no torn member either


@dataclass(frozen=True, slots=True)
class PackedRecords:
    """Records of one topic and day, and the gzip member in which they are written."""

    records: Sequence[Record]
    member: bytes

    @classmethod
    def of(cls, records: Sequence[Record], level: int) -> Self:
        """`level` is gzip's."""
        return cls(records, packed_member(records, level))


class DayFile:
    """Opened only while something is appended, so that people may move or delete the file at any time."""

    def __init__(self, path: Path, level: int) -> None:
        self._path = path
        self._level = level
        self._members: list[Member] | None = None

    def append(self, batch: PackedRecords) -> int:
        """Add the records that are not in the file yet, and return how many bytes that took. Raises OSError; then
        nothing was added.
        """
        with self._opened() as file:
            members = self._current_members(file)
            if members is None:
                _set_aside(self._path)
                return self.append(batch)
            end = _end(members)
            try:
                if (new := self._not_yet_there(file, members, batch)).records:
                    members.append(_write(file, end, new))
                # Also when nothing is new: a process that was killed may have written without having synced.
                os.fsync(file.fileno())
                return _end(members) - end
            except OSError:
                self._members = None  # looked at anew next time, should cutting off fail too
                file.truncate(end)
                raise

    def _opened(self) -> BinaryIO:
        if not self._path.exists():
            self._members = None
            self._path.touch()
        return self._path.open("r+b", buffering=0)

    def _current_members(self, file: BinaryIO) -> list[Member] | None:
        """What is in the file, mended if need be; None when it has to be set aside."""
        size = os.fstat(file.fileno()).st_size
        if self._members is None or size != _end(self._members):
            self._members = None
            members = self._mended(file, size)
            sync_folder(self._path.parent)
            self._members = members
        return self._members

    def _mended(self, file: BinaryIO, size: int) -> list[Member] | None:
        members = walk(file)
        rotten = bool(members) and unpacked(file, members[-1]) is None
        if rotten:
            members.pop()
        end = _end(members)
        if end == size:
            return members
        if size - end > _LARGEST_TAIL:
            return None
        file.seek(end)
        tail = file.read(size - end)
        torn = begins_like_a_member(tail)
        if later_member(tail) or (not members and not torn):
            return None
        if rotten or not torn:
            _unused_name(self._path).write_bytes(tail)
        log.warning("%s: its last %d bytes were not written completely and are cut off", self._path, len(tail))
        file.truncate(end)
        return members

    def _not_yet_there(self, file: BinaryIO, members: list[Member], batch: PackedRecords) -> PackedRecords:
        """Without what is there from an earlier send whose settling was lost. A new store counts from the start
        again, so equal sequence numbers alone say nothing: the records themselves are compared.
        """
        first, last = batch.records[0].seq, batch.records[-1].seq
        there: set[Identity] = set()
        for member in members:
            if member.first_seq <= last and first <= member.last_seq:
                lines = (unpacked(file, member) or b"").splitlines()
                there.update(identity(json.loads(line)) for line in lines)
        if not there:
            return batch
        new = [record for record in batch.records if identity(record.body) not in there]
        return PackedRecords.of(new, self._level) if new else PackedRecords([], b"")


def _write(file: BinaryIO, end: int, batch: PackedRecords) -> Member:
    file.seek(end)
    left = memoryview(batch.member)
    while left:
        left = left[file.write(left) :]
    return Member(end, len(batch.member), batch.records[0].seq, batch.records[-1].seq)


def make_folder(folder: Path) -> None:
    """Make the folder and its parents so that they survive a power cut."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in the folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _end(members: list[Member]) -> int:
    return members[-1].end if members else 0


def _set_aside(path: Path) -> None:
    aside = _unused_name(path)
    path.rename(aside)
    log.error("%s is damaged or not of this archive: set aside as %s, a new one is begun", path, aside.name)


def _unused_name(path: Path) -> Path:
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    return aside
