"""Values as 16-bit register words, in the byte orders that shipping probes use.

ABCD is big-endian, CDAB has the low word first, DCBA all four bytes reversed. 17.625 is 41 8D 00 00 as ABCD,
00 00 41 8D as CDAB and 00 00 8D 41 as DCBA.
"""

import struct
from collections.abc import Sequence

Words = tuple[int, ...]


def float_abcd(value: float) -> Words:
    return struct.unpack(">HH", struct.pack(">f", value))


def float_cdab(value: float) -> Words:
    high, low = float_abcd(value)
    return low, high


def float_dcba(value: float) -> Words:
    return struct.unpack(">HH", struct.pack("<f", value))


def u32_abcd(value: int) -> Words:
    return (value >> 16) & 0xFFFF, value & 0xFFFF


def u32_cdab(value: int) -> Words:
    return value & 0xFFFF, (value >> 16) & 0xFFFF


def s16(value: float) -> Words:
    """Rounded, and stopped at the ends of what 16 bits with a sign can hold."""
    return (max(-32768, min(32767, round(value))) & 0xFFFF,)


def u16(value: float) -> Words:
    """Rounded, and stopped at 0 and 65535."""
    return (max(0, min(65535, round(value))),)


def text(value: str, words: int) -> Words:
    """ASCII, two characters a word, filled up with zero bytes."""
    raw = value.encode("ascii").ljust(2 * words, b"\0")[: 2 * words]
    return tuple(int.from_bytes(raw[i : i + 2], "big") for i in range(0, len(raw), 2))


def packed(words: Sequence[int]) -> bytes:
    return b"".join(word.to_bytes(2, "big") for word in words)


NAN_ABCD: Words = (0xFFFF, 0xFFFF)
