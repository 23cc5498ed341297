"""The frames of a write-ahead log (sqlite.org/fileformat2.html, section 4): page images, and who can vouch for them."""

from collections.abc import Iterable
from struct import iter_unpack, unpack_from

LOG_HEADER = 32
FRAME_HEADER = 24

_WORDS = {0x377F0682: "<II", 0x377F0683: ">II"}  # how the sums read what they sum, by the log's first four bytes


def is_damaged(header: bytes) -> bool:
    """Whether what a log begins with was once its header. A power cut leaves a whole one, or nothing but zeros."""
    words = _WORDS.get(int.from_bytes(header[:4], "big"))
    whole = words is not None and _summed((0, 0), words, header[:24]) == unpack_from(">II", header, 24)
    return any(header) and not whole


def page_bytes(header: bytes) -> int:
    """The size of the log's pages, by its header."""
    return int.from_bytes(header[8:12], "big")


def goes_on(header: bytes, frame: bytes) -> bool:
    """Whether the frame, which SQLite left out, was written in this round of the log."""
    return len(frame) >= FRAME_HEADER and frame[8:16] == header[16:24]


def finished(header: bytes, frames: Iterable[bytes]) -> list[int]:
    """The page numbers of the frames that count when SQLite opens the log: those of finished transactions.

    All frames before the first that does not continue the sums, up to the last of them that ends a transaction.
    """
    words = _WORDS.get(int.from_bytes(header[:4], "big"))
    if words is None or len(header) != LOG_HEADER:
        return []
    sums = _summed((0, 0), words, header[:24])
    if sums != unpack_from(">II", header, 24):
        return []
    size, numbers, ended = FRAME_HEADER + page_bytes(header), [], 0
    for frame in frames:
        if len(frame) != size:
            break
        sums = _summed(_summed(sums, words, frame[:8]), words, frame[FRAME_HEADER:])
        if frame[8:16] != header[16:24] or sums != unpack_from(">II", frame, 16):
            break
        number, pages_at_end = unpack_from(">II", frame)
        numbers.append(number)
        if pages_at_end:
            ended = len(numbers)
    return numbers[:ended]


def _summed(sums: tuple[int, int], words: str, data: bytes) -> tuple[int, int]:
    one, two = sums
    for first, second in iter_unpack(words, data):
        one = one + first + two & 0xFFFFFFFF
        two = two + second + one & 0xFFFFFFFF
    return one, two
