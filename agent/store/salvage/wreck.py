"""A damaged database and its write-ahead log, as page images.

First those of the file that no newer one in the log replaces; then those newer ones, left there by transactions that
finished; at last what else is in the log: frames behind a damaged one, of a transaction that never ended, or of an
earlier round.
"""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from agent.domain.errors import StoreError
from agent.store.salvage.frames import FRAME, FRAME_HEADER, LOG_HEADER, finished
from agent.store.salvage.holes import data, punch
from agent.store.salvage.pages import PAGE

Read = Callable[[int, int, int], bytes]
"""As os.pread: of a file descriptor, so many bytes, from that offset on."""

_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some page images: the `numbers` of frames in the log or pages in the file, from 0 on.

    `certain`: a finished transaction wrote them.
    """

    in_log: bool
    certain: bool
    numbers: Sequence[int]


class Wreck:
    """The damaged file at `path`, with its log beside it. Every method raises StoreError, naming the file."""

    def __init__(self, path: Path, read: Read = os.pread) -> None:
        self.path = path
        self._log = path.with_name(path.name + "-wal")
        self._read = read
        self._unreadable: set[tuple[bool, int]] = set()

    @property
    def unreadable(self) -> int:
        """Pages and frames that the disk did not give."""
        return len(self._unreadable)

    @property
    def bytes_left(self) -> int:
        """What the file and its log still occupy on the disk."""
        return _occupied(self.path) + _occupied(self._log)

    @property
    def pages(self) -> Sequence[int]:
        """Numbers, from 0 on, of the file's pages that were not given up yet."""
        if not _size(self.path):
            return ()
        with _told(self.path):
            parts = [range(part.start // PAGE, -(-part.stop // PAGE)) for part in data(self.path)]
        return parts[0] if len(parts) == 1 else [number for part in parts for number in part]

    def stretches(self, most: int = _AT_ONCE, order: Sequence[int] = ()) -> list[Stretch]:
        """All there is, at most so many page images at a time; the pages of the file in that order if one is given."""
        others = range(len(self._finished), self._frames)
        return [
            *_split(Stretch(False, True, order or self.pages), most),
            *_split(Stretch(True, True, sorted(self._newest.values())), most),
            *reversed(_split(Stretch(True, False, others), most)),
        ]

    def images(self, stretch: Stretch) -> list[tuple[int, bytes]]:
        """Numbered page images: those that can be read, without those of the file that were replaced since."""
        if stretch.in_log:
            return [(at, frame[FRAME_HEADER:]) for at, frame in self._pieces(True, stretch.numbers)]
        return [(at, page) for at, page in self._pieces(False, stretch.numbers) if at + 1 not in self._newest]

    def page(self, number: int) -> bytes | None:
        """The newest image of the page of that number, if there is one."""
        frame = self._newest.get(number)
        in_log, at = (False, number - 1) if frame is None else (True, frame)
        for _, image in self._pieces(in_log, [at]):
            return image[FRAME_HEADER:] if in_log else image
        return None

    def give_up(self, stretch: Stretch) -> None:
        """Give the disk back what the stretch occupies, in the file or at the end of the log.

        What finished transactions left in the log stays to the last: with a part of it nobody could tell any more what
        is the newest.
        """
        if not stretch.in_log:
            for run in _runs(stretch.numbers):
                with _told(self.path):
                    punch(self.path, run.start * PAGE, len(run) * PAGE)
        elif not stretch.certain:
            with _told(self._log):
                os.truncate(self._log, LOG_HEADER + stretch.numbers[0] * FRAME)

    def remove(self) -> None:
        """Delete the files; the one that shows that something is left goes last."""
        for suffix in ("-shm", "-wal", ""):
            part = self.path.with_name(self.path.name + suffix)
            with _told(part):
                part.unlink(missing_ok=True)

    @property
    def _frames(self) -> int:
        return max(_size(self._log) - LOG_HEADER, 0) // FRAME

    @cached_property
    def _finished(self) -> list[int]:
        header = self._bytes(self._log, LOG_HEADER, 0) if self._frames else None
        return finished(header or b"", self._unbroken())

    @cached_property
    def _newest(self) -> dict[int, int]:
        return {number: at for at, number in enumerate(self._finished)}

    def _unbroken(self) -> Iterator[bytes]:
        """The log's frames up to the first that cannot be read."""
        frames = range(self._frames)
        for begin in range(0, len(frames), _AT_ONCE):
            for expected, (at, frame) in enumerate(self._pieces(True, frames[begin : begin + _AT_ONCE]), begin):
                if at != expected:
                    return
                yield frame

    def _pieces(self, in_log: bool, numbers: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        """Numbered frames or pages; where the disk fails, whatever it gives one by one."""
        path, begin, size = (self._log, LOG_HEADER, FRAME) if in_log else (self.path, 0, PAGE)
        for run in _runs(numbers):
            together = self._bytes(path, len(run) * size, begin + run.start * size)
            for place, number in enumerate(run):
                if together is None:
                    piece = self._bytes(path, size, begin + number * size)
                else:
                    piece = together[place * size : (place + 1) * size]
                if piece is None:
                    self._unreadable.add((in_log, number))
                elif piece:
                    yield number, piece

    def _bytes(self, path: Path, size: int, offset: int) -> bytes | None:
        with _told(path):
            descriptor = os.open(path, os.O_RDONLY)
        try:
            return self._read(descriptor, size, offset)
        except OSError:
            return None  # counted where it is known how much that is
        finally:
            os.close(descriptor)


def leftovers(database: Path) -> list[Path]:
    """The damaged files that were set aside beside the database, the oldest number first. Raises StoreError."""
    name = re.compile(re.escape(database.name) + r"\.damaged-(\d+)")
    with _told(database.parent):
        found = [(int(match[1]), path) for path in database.parent.iterdir() if (match := name.fullmatch(path.name))]
    return [path for _, path in sorted(found)]


def _split(stretch: Stretch, most: int) -> list[Stretch]:
    numbers = stretch.numbers
    return [replace(stretch, numbers=numbers[begin : begin + most]) for begin in range(0, len(numbers), most)]


def _runs(numbers: Sequence[int]) -> Iterator[range]:
    """What lies side by side, in order."""
    begin = end = -1
    for number in sorted(numbers):
        if number != end:
            if end > begin:
                yield range(begin, end)
            begin = number
        end = number + 1
    if end > begin:
        yield range(begin, end)


def _size(path: Path) -> int:
    status = _status(path)
    return 0 if status is None else status.st_size


def _occupied(path: Path) -> int:
    status = _status(path)
    return 0 if status is None else min(512 * status.st_blocks, status.st_size)


def _status(path: Path) -> os.stat_result | None:
    with _told(path):
        try:
            return path.stat()
        except FileNotFoundError:
            return None


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        remedy = "give it and its folder to the gateway's user, or move it away"
        raise StoreError(f"{path} cannot be salvaged ({error.strerror}): {remedy}") from error
