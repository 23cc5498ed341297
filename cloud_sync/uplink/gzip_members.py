"""Gzip members that tell their own length, so that a file of them can be walked without decompressing it.

A member is what any gzip reader understands (RFC 1952); like BGZF it carries an extra field, here named `AQ`: the
length of the whole member and the first and last sequence number in it. Files of such members can be appended to,
and after a power cut the last one is seen to be torn.
"""

import struct
import zlib
from dataclasses import dataclass
from typing import BinaryIO

_FIXED = b"\x1f\x8b\x08\x04\x00\x00\x00\x00\x00\xff"  # deflate, extra field, no time stamp, unknown system
_EXTRA = struct.Struct("<2sHIqq")
_START = _FIXED + struct.pack("<H", _EXTRA.size) + struct.pack("<2sH", b"AQ", _EXTRA.size - 4)
_TRAILER = struct.Struct("<II")
_HEADER_SIZE = len(_FIXED) + 2 + _EXTRA.size
_SMALLEST = _HEADER_SIZE + 2 + _TRAILER.size


@dataclass(frozen=True, slots=True)
class Member:
    """Where a member lies in its file (bytes) and which sequence numbers it holds."""

    offset: int
    size: int
    first_seq: int
    last_seq: int

    @property
    def end(self) -> int:
        return self.offset + self.size


def packed(payload: bytes, first_seq: int, last_seq: int, level: int) -> bytes:
    """`payload` as one member; `level` is zlib's, 1 (quick) to 9 (small)."""
    deflate = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = deflate.compress(payload) + deflate.flush()
    size = _HEADER_SIZE + len(body) + _TRAILER.size
    extra = _EXTRA.pack(b"AQ", _EXTRA.size - 4, size, first_seq, last_seq)
    trailer = _TRAILER.pack(zlib.crc32(payload), len(payload) & 0xFFFFFFFF)
    return _START[: len(_FIXED) + 2] + extra + body + trailer


def unpacked(file: BinaryIO, member: Member) -> bytes | None:
    """The payload, or None when the member is damaged."""
    file.seek(member.offset + _HEADER_SIZE)
    packed_body = file.read(member.size - _HEADER_SIZE)
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        payload = inflate.decompress(packed_body)
    except zlib.error:
        return None
    whole = inflate.eof and inflate.unused_data == _TRAILER.pack(zlib.crc32(payload), len(payload) & 0xFFFFFFFF)
    return payload if whole else None


def walk(file: BinaryIO) -> list[Member]:
    """The members from the start of the file on, up to the first place where none begins or one is cut short."""
    size = file.seek(0, 2)
    members: list[Member] = []
    offset = 0
    while (member := _at(file, offset)) is not None and member.end <= size:
        members.append(member)
        offset = member.end
    return members


def begins_like_a_member(tail: bytes) -> bool:
    """Whether these bytes can be what a power cut left of a member: its beginning, or space not written yet."""
    return tail[: len(_START)] == _START[: len(tail)] or not tail.strip(b"\0")


def later_member(tail: bytes) -> bool:
    """Whether another member begins somewhere after the first byte."""
    return tail.find(_START, 1) >= 0


def _at(file: BinaryIO, offset: int) -> Member | None:
    file.seek(offset)
    header = file.read(_HEADER_SIZE)
    if len(header) < _HEADER_SIZE or not header.startswith(_START):
        return None
    _, _, size, first_seq, last_seq = _EXTRA.unpack_from(header, len(_FIXED) + 2)
    return Member(offset, size, first_seq, last_seq) if size >= _SMALLEST else None
