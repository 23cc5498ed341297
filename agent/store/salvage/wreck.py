"""A damaged database and its write-ahead log, as page images.

First those of the file that no newer one in the log replaces; then those newer ones, left there by transactions that
finished; at last what else is in the log: frames behind a damaged one, of a transaction that never ended, or of an
earlier round.
"""

import os
import re
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from pathlib import Path

from agent.domain.errors import StoreError
from agent.store.room import PAGE_BYTES
from agent.store.salvage.frames import FRAME_HEADER, LOG_HEADER, finished, is_damaged, page_bytes
from agent.store.salvage.holes import data, punch
from agent.store.salvage.pages import FIRST_PAGE, likely_size

Read = Callable[[int, int, int], bytes]
"""As os.pread: of a file descriptor, so many bytes, from that offset on."""

_BLOCK = 4096
"""What a file system gives back at once: one page, or some."""

_AT_ONCE = 64
_SIZES = (PAGE_BYTES, 4096)
"""Of a page, in files as they are made and as they were made before."""


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
        self._done: set[int] = set()  # pages in blocks that are still needed

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
        return self._numbers(self._page_bytes)

    def _numbers(self, each: int) -> Sequence[int]:
        """Of the file's parts of so many bytes, those that are no holes."""
        if not _size(self.path):
            return ()
        with _told(self.path):
            parts = [range(part.start // each, -(-part.stop // each)) for part in data(self.path)]
        return parts[0] if len(parts) == 1 else array("I", chain.from_iterable(parts))

    @cached_property
    def _page_bytes(self) -> int:
        """As the log says, or the file; if neither has a header any more, what makes sense of more rows."""
        log, file = self._header(self._log, LOG_HEADER), self._header(self.path, len(FIRST_PAGE) + 2)
        size = page_bytes(log) if any(log) and not is_damaged(log) else 0
        if size == 0 and file.startswith(FIRST_PAGE):
            size = int.from_bytes(file[len(FIRST_PAGE) :], "big")
        return size if size in _SIZES else likely_size(self._sample(), _SIZES)

    def _sample(self) -> list[bytes]:
        """A few blocks from all over the file."""
        blocks = self._numbers(_BLOCK)
        some = blocks[:: len(blocks) // _AT_ONCE + 1]
        return [self._bytes(self.path, _BLOCK, block * _BLOCK) or b"" for block in some]

    def stretches(self, most: int = _AT_ONCE, order: Sequence[int] = ()) -> list[Stretch]:
        """All there is, at most so many times 4 KiB a stretch; the pages of the file in that order if one is given."""
        others, images = range(len(self._finished), self._frames), most * _BLOCK // self._page_bytes
        return [
            *_split(Stretch(False, True, order or self.pages), images),
            *_split(Stretch(True, True, sorted(self._newest.values())), images),
            *reversed(_split(Stretch(True, False, others), images)),
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
        """Give the disk back what the stretch occupies, at the end of the log or in the file: there a block goes with
        the last of its pages.

        What finished transactions left in the log stays to the last: with a part of it nobody could tell any more what
        is the newest.
        """
        if not stretch.in_log:
            self._done.update(stretch.numbers)
            blocks = {at * self._page_bytes // _BLOCK for at in stretch.numbers}
            done = [block for block in blocks if self._done.issuperset(self._pages_of(block))]
            for run in _runs(done):
                with _told(self.path):
                    punch(self.path, run.start * _BLOCK, len(run) * _BLOCK)
            self._done.difference_update(*map(self._pages_of, done))
        elif not stretch.certain:
            with _told(self._log):
                os.truncate(self._log, LOG_HEADER + stretch.numbers[0] * (FRAME_HEADER + self._page_bytes))

    def remove(self) -> None:
        """Delete the files; the one that shows that something is left goes last."""
        for suffix in ("-shm", "-wal", ""):
            part = self.path.with_name(self.path.name + suffix)
            with _told(part):
                part.unlink(missing_ok=True)

    def _pages_of(self, block: int) -> range:
        """The last block of the file may have fewer."""
        each, pages = _BLOCK // self._page_bytes, -(-_size(self.path) // self._page_bytes)
        return range(each * block, min(each * (block + 1), pages))

    @property
    def _frames(self) -> int:
        return max(_size(self._log) - LOG_HEADER, 0) // (FRAME_HEADER + self._page_bytes)

    @cached_property
    def _finished(self) -> list[int]:
        return finished(self._header(self._log, LOG_HEADER), self._unbroken())

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
        if in_log:
            path, begin, size = self._log, LOG_HEADER, FRAME_HEADER + self._page_bytes
        else:
            path, begin, size = self.path, 0, self._page_bytes
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

    def _header(self, path: Path, size: int) -> bytes:
        """What the file begins with; nothing if it is not there, or the disk does not give it."""
        return (self._bytes(path, size, 0) or b"") if _size(path) else b""

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
