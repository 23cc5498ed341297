"""What a disk may hold after a power cut.

The disk keeps files in sectors of 512 bytes. A sector is written whole or not at all, but whenever, and in whatever
order, the system pleases: until the file's next fsync it may hold any of the versions that the page cache has had since
the last one. So a write may be lost, torn, or overtake another. It is the same with the size of a file: what lies
within it but has not arrived reads as zeros, what has arrived beyond it is not seen; to cut a file off is one step. And
with names: creating, renaming and removing may have arrived or not, each for itself, until the folder's next fsync; an
fsync of the file alone gives it no name. That is less than any file system that SQLite is run on promises (ext4 with
`data=ordered` keeps names in order, and a size back until its data are there). Left out is a sector that reads as
garbage, or as an I/O error.
"""

from collections.abc import Set as AbstractSet
from typing import NamedTuple

from tests.power.operations import Marker, Open, Operation, Remove, Rename, Reserve, Resize, Sync, Write

SECTOR = 512
SIZE = -1
"""Takes the place of a sector's number for the size of a file."""


class Version(NamedTuple):
    """What operation `number` made of one place: a sector or the SIZE of a file (its first name), or of the names in
    the folder (file "", place 0).
    """

    number: int
    file: str
    place: int


State = dict[str, tuple[bytes, ...]]
"""The files by name as they are found after the cut, each in its sectors; the last one may be short."""

_ZEROS = bytes(SECTOR)


class Disk:
    """Follows the operations of a recording, in order."""

    def __init__(self) -> None:
        self._number = 0
        self._names = _Names()

    def apply(self, operation: Operation) -> None:
        number, names = self._number, self._names
        self._number += 1
        match operation:
            case Open(name) if name not in names.now:
                names.change(number, {name: File(name)})
            case Write(name, offset, data):
                file = names.now[name]
                file.write(number, file.size if offset is None else offset, data)
            case Resize(name, size):
                names.now[name].resize(number, size)
            case Reserve(name, size) if size > names.now[name].size:
                names.now[name].resize(number, size)
            case Sync("", before):
                names.sync(before)
            case Sync(name, before):
                names.now[name].sync(before)
            case Rename(old, new):
                names.change(number, {new: names.now[old], old: None})
            case Remove(name):
                names.change(number, {name: None})
            case Open() | Reserve() | Marker():
                pass

    def pending(self) -> list[Version]:
        """What has been done and need not have arrived yet, in order."""
        found = {Version(number, "", 0) for number, _ in self._names.pending}
        for file in self._names.reachable():
            found |= {Version(number, file.name, place) for number, place, _ in file.pending}
        return sorted(found)

    def after_cut(self, arrived: AbstractSet[Version]) -> State:
        """What is found when the power is cut now and that part of the pending has arrived."""
        return {name: file.after_cut(arrived) for name, file in self._names.after_cut(arrived).items()}


class File:
    """One file under any name: what is durable, what the page cache has now, and the versions between the two."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.size = 0
        self.pending: list[tuple[int, int, bytes | int]] = []
        self._durable: list[bytes] = []
        self._durable_size = 0
        self._cache: list[bytes] = []

    def write(self, number: int, offset: int, data: bytes) -> None:
        end = offset + len(data)
        if end > self.size:
            self.resize(number, end)
        for place in range(offset // SECTOR, -(-end // SECTOR)):
            start = place * SECTOR
            old = self._cache[place]
            new = data[max(0, start - offset) : max(0, start + SECTOR - offset)]
            head = max(0, offset - start)
            self._cache[place] = old[:head] + new + old[head + len(new) :]
            self.pending.append((number, place, self._cache[place]))

    def resize(self, number: int, size: int) -> None:
        self.size = size
        self.pending.append((number, SIZE, size))
        _fit(self._cache, size)

    def sync(self, before: int) -> None:
        self._durable, self._durable_size = self._with([one for one in self.pending if one[0] < before])
        self.pending = [one for one in self.pending if one[0] >= before]

    def after_cut(self, arrived: AbstractSet[Version]) -> tuple[bytes, ...]:
        sectors, size = self._with([one for one in self.pending if (one[0], self.name, one[1]) in arrived])
        whole, part = divmod(size, SECTOR)
        return (*sectors[:whole], sectors[whole][:part]) if part else tuple(sectors[:whole])

    def _with(self, versions: list[tuple[int, int, bytes | int]]) -> tuple[list[bytes], int]:
        """The durable sectors and size, each replaced by the last of its versions."""
        sectors, size = list(self._durable), self._durable_size
        for _, place, version in versions:
            if isinstance(version, bytes):
                sectors += [_ZEROS] * (place + 1 - len(sectors))
                sectors[place] = version
            else:
                _fit(sectors, version)
                size = version
        return sectors, size


def _fit(sectors: list[bytes], size: int) -> None:
    """Cut off what lies beyond the size, or fill up to it with zeros."""
    needed, part = -(-size // SECTOR), size % SECTOR
    del sectors[needed:]
    sectors += [_ZEROS] * (needed - len(sectors))
    if part:
        sectors[-1] = sectors[-1][:part].ljust(SECTOR, b"\0")


class _Names:
    """The names in the folder, and the changes that need not be durable yet."""

    def __init__(self) -> None:
        self.now: dict[str, File] = {}
        self.pending: list[tuple[int, dict[str, File | None]]] = []
        self._durable: dict[str, File] = {}

    def change(self, number: int, change: dict[str, File | None]) -> None:
        self.now = _changed(self.now, change)
        self.pending.append((number, change))

    def sync(self, before: int) -> None:
        for number, change in self.pending:
            if number < before:
                self._durable = _changed(self._durable, change)
        self.pending = [one for one in self.pending if one[0] >= before]

    def after_cut(self, arrived: AbstractSet[Version]) -> dict[str, File]:
        names = self._durable
        for number, change in self.pending:
            if (number, "", 0) in arrived:
                names = _changed(names, change)
        return names

    def reachable(self) -> set[File]:
        """Every file that may be found under some name after a cut."""
        changed = {file for _, change in self.pending for file in change.values() if file}
        return {*self._durable.values(), *changed}


def _changed(names: dict[str, File], change: dict[str, File | None]) -> dict[str, File]:
    return {name: file for name, file in (names | change).items() if file is not None}
