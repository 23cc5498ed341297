"""From Avro straight to lines, with no objects in between: a reader made of a schema.

Most of what a sensor's readings say was in the one before: it is looked for as the bytes that it is, and what those say
is known. What is unusual in any way is left to the general decoder, which says whether it is wrong (`decoding.py`).
`tests/cloud_sync/test_lines.py` holds the two to the same lines.
"""

import struct
from collections.abc import Callable, Iterator, Mapping
from json.encoder import encode_basestring
from math import isfinite
from typing import Any, Final, NamedTuple

from cloud_sync.contract.avro_values import is_uuid
from cloud_sync.contract.lines import escaped
from cloud_sync.contract.timestamps import iso_utc

# From a place in the bytes: the text of what is there, and the place behind it.
Read = Callable[[bytes, int], tuple[str, int]]

# The fields that differ from one reading of a sensor to the next; others may, and then it takes longer.
_CHANGING: Final = frozenset({"time", "value", "reason", "boot_s", "sequence"})
_HEADER_SIZE: Final = 5
_NAME_SIZE: Final = 37  # bytes behind the first field that tell a sensor: a UUID and its length
_MOST_SENSORS: Final = 50_000
_BITS: Final = 64
_double = struct.Struct("<d").unpack_from


class Unusual(Exception):
    """Let the general decoder have a look."""


class LineReader:
    """Of a record of plain values, of which the last is a record of plain values. KeyError for other schemas."""

    def __init__(self, avro: Mapping[str, Any]) -> None:
        (_, self._first), *others = _reads(avro)
        self._stretches: list[tuple[list[Read], Read]] = []  # steady fields, and the changing one behind them
        steady: list[Read] = []
        for name, read in others:
            if name in _CHANGING:
                self._stretches.append((steady, read))
                steady = []
            else:
                steady.append(read)
        self._stretches.append((steady, _end))
        self._changing = [read for _, read in self._stretches]
        self._known: dict[bytes, list[tuple[bytes, str]]] = {}  # of each sensor what is steady: bytes, and their text

    def __call__(self, value: bytes) -> str:
        """The line of a value in the registry's wire format. Raises Unusual."""
        try:
            return self._known_line(value) or self._new_line(value)
        except (IndexError, OverflowError, struct.error, UnicodeDecodeError) as error:
            raise Unusual from error

    def _known_line(self, value: bytes) -> str | None:
        """None where what is steady in other readings of the sensor is not what it was."""
        part, at = self._first(value, _HEADER_SIZE)
        known = self._known.get(value[at : at + _NAME_SIZE])
        if known is None:
            return None
        parts = [part]
        for (run, said), read in zip(known, self._changing, strict=True):
            if not value.startswith(run, at):
                return None
            part, at = read(value, at + len(run))
            parts += said, part
        return "".join(parts)

    def _new_line(self, value: bytes) -> str:
        part, at = self._first(value, _HEADER_SIZE)
        name, parts, known = value[at : at + _NAME_SIZE], [part], []
        for steady, read in self._stretches:
            begin, said = at, ""
            for read_steady in steady:
                part, at = read_steady(value, at)
                said += part
            known.append((value[begin:at], said))
            part, at = read(value, at)
            parts += said, part
        if len(self._known) >= _MOST_SENSORS:
            self._known.clear()
        self._known[name] = known
        return "".join(parts)


class _Field(NamedTuple):
    """`before` stands before its text; `text` and `null` are what a text and null look like in its place."""

    before: str
    text: Callable[[str], str]
    null: str


def _reads(avro: Mapping[str, Any]) -> Iterator[tuple[str, Read]]:
    *columns, last = avro["fields"]
    for index, field in enumerate(columns):
        place = _Field("\t" if index else "", escaped, "\\N")
        yield field["name"], _READ[_kind(field["type"])](place)
    for index, field in enumerate(last["type"]["fields"]):
        before = "," if index else "\t{"
        place = _Field(f'{before}"{field["name"]}":', _json, "null")
        yield field["name"], _READ[_kind(field["type"])](place)


def _kind(avro: Any) -> str:
    if isinstance(avro, list):
        return "?".join(map(_kind, avro))
    return avro if isinstance(avro, str) else str(avro["logicalType"])


def _json(text: str) -> str:
    return encode_basestring(text).replace("\\", "\\\\")


def _end(value: bytes, at: int) -> tuple[str, int]:
    if at != len(value):
        raise Unusual
    return "}\n", at


def _long(value: bytes, at: int) -> tuple[int, int]:
    """Seven bits a byte, the lowest first, then zigzag."""
    byte = value[at]
    number, bits = byte & 127, 7
    while byte > 127:
        at += 1
        byte = value[at]
        number |= (byte & 127) << bits
        bits += 7
    if number >> _BITS:
        raise Unusual
    return number >> 1 ^ -(number & 1), at + 1


def _of_long(field: _Field) -> Read:
    before = field.before

    def read(value: bytes, at: int) -> tuple[str, int]:
        number, at = _long(value, at)
        return f"{before}{number}", at

    return read


def _of_micros(field: _Field) -> Read:
    def read(value: bytes, at: int) -> tuple[str, int]:
        micros, at = _long(value, at)
        return field.before + field.text(iso_utc(micros)), at

    return read


def _of_double(field: _Field) -> Read:
    before = field.before

    def read(value: bytes, at: int) -> tuple[str, int]:
        (number,) = _double(value, at)
        if not isfinite(number):
            raise Unusual
        return f"{before}{number}", at + 8

    return read


def _of_text(field: _Field) -> Read:
    def read(value: bytes, at: int) -> tuple[str, int]:
        size, at = _long(value, at)
        end = at + size
        text = value[at:end].decode()
        if not 0 <= size <= len(value) - at or not text.isprintable():
            raise Unusual
        return field.before + field.text(text), end

    return read


def _of_uuid(field: _Field) -> Read:
    def usual(text: str) -> str:
        if not is_uuid(text):
            raise Unusual
        return field.text(text)

    return _of_text(field._replace(text=usual))


def _nullable(of: Callable[[_Field], Read]) -> Callable[[_Field], Read]:
    def of_nullable(field: _Field) -> Read:
        null, read_value = field.before + field.null, of(field)

        def read(value: bytes, at: int) -> tuple[str, int]:
            branch = value[at]
            if branch == 0:
                return null, at + 1
            if branch != 2:
                raise Unusual
            return read_value(value, at + 1)

        return read

    return of_nullable


_READ: Final[Mapping[str, Callable[[_Field], Read]]] = {
    "int": _of_long,
    "long": _of_long,
    "timestamp-micros": _of_micros,
    "double": _of_double,
    "null?double": _nullable(_of_double),
    "string": _of_text,
    "uuid": _of_uuid,
    "null?string": _nullable(_of_text),
}
