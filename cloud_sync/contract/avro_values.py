"""Single values as the bytes of Avro 1.12. Nothing is converted that the schema does not ask for."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from math import isfinite
from struct import Struct
from typing import Any
from uuid import UUID

Encode = Callable[[Any], bytes]

_LAST = [bytes([number]) for number in range(128)]
_MORE = [bytes([number | 128]) for number in range(128)]
_double = Struct("<d").pack
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Misfit(Exception):
    """A value that the schema has no place for; `path` leads to its field."""

    def __init__(self, because: str, *path: str) -> None:
        super().__init__(because)
        self.because = because
        self.path = path


def misfit(wanted: str, value: Any) -> Misfit:
    """For a value that is none of what is wanted."""
    shown = repr(value)
    return Misfit(f"is not {wanted}: {shown if len(shown) <= 80 else shown[:79] + '…'}")


def _number(value: Any) -> bytes:
    if type(value) is not float and type(value) is not int:
        raise misfit("a number", value)
    try:
        number = float(value)
    except OverflowError:
        raise misfit("a number of 64 bits", value) from None
    if not isfinite(number):
        raise misfit("a finite number", value)
    return _double(number)


def _within(bits: int) -> Encode:
    limit = 1 << (bits - 1)

    def encode(value: Any) -> bytes:
        if type(value) is not int or not -limit <= value < limit:
            raise misfit(f"a whole number of {bits} bits", value)
        return whole(value)

    return encode


def whole(value: int) -> bytes:
    """Zigzag, then seven bits a byte, the lowest first."""
    left = (value << 1) ^ (value >> 63)
    return _LAST[left] if left < 128 else _MORE[left & 127] + _sevens(left >> 7)


# Numbers in a row differ in their last bits alone.
@lru_cache(maxsize=1024)
def _sevens(left: int) -> bytes:
    return _LAST[left] if left < 128 else _MORE[left & 127] + _sevens(left >> 7)


def _bool(value: Any) -> bytes:
    if type(value) is not bool:
        raise misfit("true or false", value)
    return b"\x01" if value else b"\x00"


def _bytes(value: Any) -> bytes:
    if type(value) is not bytes:
        raise misfit("bytes", value)
    return whole(len(value)) + value


# Most texts come again with the next reading.
@lru_cache(maxsize=4096)
def _text(value: Any) -> bytes:
    if type(value) is not str:
        raise misfit("a text", value)
    return _bytes(value.encode("utf-8", "backslashreplace"))


@lru_cache(maxsize=4096)
def _uuid(value: Any) -> bytes:
    if not is_uuid(value):
        raise misfit("a UUID in lower case with dashes", value)
    return _bytes(value.encode())


def is_uuid(value: Any) -> bool:
    """Whether it is the text of a UUID in lower case with dashes."""
    try:
        return type(value) is str and str(UUID(value)) == value
    except ValueError:
        return False


_long = _within(64)
# The sensors of a probe are read at one moment.
_moment = lru_cache(maxsize=256)(_long)


def _micros(value: Any) -> bytes:
    """UTC microseconds, or ISO 8601 with its offset from UTC."""
    if type(value) is int:
        return _moment(value)
    try:
        return whole((datetime.fromisoformat(value) - _EPOCH) // _MICROSECOND)
    except (TypeError, ValueError):
        raise misfit("a time such as 2026-11-23T12:00:00Z", value) from None


PLAIN: Mapping[str, Encode] = {
    "boolean": _bool, "int": _within(32), "long": _long, "double": _number, "string": _text, "bytes": _bytes,
}  # fmt: skip
LOGICAL: Mapping[tuple[str, str], Encode] = {("long", "timestamp-micros"): _micros, ("string", "uuid"): _uuid}
