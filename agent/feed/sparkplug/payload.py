"""Sparkplug B payloads as bytes: exactly the fields of Eclipse Tahu's sparkplug_b.proto that this gateway speaks.

Protocol buffers: https://protobuf.dev/programming-guides/encoding/
"""

import struct
from collections.abc import Iterable, Iterator, Mapping
from enum import IntEnum
from typing import Final, NamedTuple

REBIRTH: Final = "Node Control/Rebirth"
_LONGEST_COMMAND: Final = 10_000  # bytes; nobody has more to say to a node that obeys one word

_ONE_BYTE: Final = [bytes([value]) for value in range(0x80)]
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class DataType(IntEnum):
    """The types of Sparkplug that are used here."""

    INT32 = 3
    INT64 = 4
    DOUBLE = 10
    BOOLEAN = 11
    STRING = 12


# Where in a metric a value of that type stands.
_METRIC_FIELD: Final = {DataType.INT64: 11, DataType.DOUBLE: 13, DataType.BOOLEAN: 14, DataType.STRING: 15}

Property = int | str | None
"""A whole number is an Int32, None a String that is null."""


class Metric(NamedTuple):
    """`at_ms`: when the value was captured, milliseconds since 1970 in UTC. No value is null."""

    name: str
    at_ms: int
    datatype: DataType
    value: float | int | bool | str | None
    properties: Mapping[str, Property] = {}


def encode(at_ms: int, metrics: Iterable[Metric], seq: int | None, birth: bool = False) -> bytes:
    """A payload sent at `at_ms`; `seq` is None in a death alone. Only a `birth` says of what type its metrics are
    (tck-id-payloads-metric-datatype-req and -not-req).
    """
    told = [_number(1, at_ms)]
    told += [_text(2, _metric(metric, birth)) for metric in metrics]
    told += [] if seq is None else [_number(3, seq)]
    return b"".join(told)


def wants_rebirth(payload: bytes) -> bool:
    """Whether a command says `Node Control/Rebirth` = true. Whatever else it says, or if it is none, it does not."""
    if len(payload) > _LONGEST_COMMAND:
        return False
    try:
        metrics = [dict(_fields(part)) for field, part in _fields(payload) if field == 2 and isinstance(part, bytes)]
    except ValueError:
        return False
    return any(metric.get(1) == REBIRTH.encode() and metric.get(14) == 1 for metric in metrics)


def _metric(metric: Metric, birth: bool) -> bytes:
    told = [_text(1, metric.name), _number(3, metric.at_ms)]
    told += [_number(4, metric.datatype)] if birth else []
    told += [_number(7, True)] if metric.value is None else []
    told += [_text(9, _property_set(metric.properties))] if metric.properties else []
    told += [] if metric.value is None else [_value(metric.datatype, metric.value)]
    return b"".join(told)


def _property_set(properties: Mapping[str, Property]) -> bytes:
    keys = [_text(1, key) for key in properties]
    return b"".join([*keys, *(_text(2, _property(value)) for value in properties.values())])


def _property(value: Property) -> bytes:
    if isinstance(value, int):
        return _number(1, DataType.INT32) + _number(3, value)
    return _number(1, DataType.STRING) + (_number(2, True) if value is None else _text(8, value))


def _value(datatype: DataType, value: float | int | bool | str) -> bytes:
    field = _METRIC_FIELD[datatype]
    if isinstance(value, str):
        return _text(field, value)
    if datatype is DataType.DOUBLE:
        return _varint(field << 3 | _FIXED64) + struct.pack("<d", value)
    return _number(field, int(value))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3 | _VARINT) + _varint(value)


def _text(field: int, value: str | bytes) -> bytes:
    """Text, bytes or a message. Half a character, as a garbled reply can bring into a reason, becomes an escape."""
    data = value.encode("utf-8", "backslashreplace") if isinstance(value, str) else value
    return _varint(field << 3 | _BYTES) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first. ValueError if negative: nothing here is."""
    if value < 0:
        raise ValueError(f"{value} is negative")
    if value <= 0x7F:
        return _ONE_BYTE[value]
    told = bytearray()
    while value > 0x7F:
        told.append(value & 0x7F | 0x80)
        value >>= 7
    told.append(value)
    return bytes(told)


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The number of each field, and what is in it: a number, or its bytes. Raises ValueError for what is no message."""
    place = 0
    while place < len(data):
        key, place = _read_varint(data, place)
        if key & 7 == _VARINT:
            number, place = _read_varint(data, place)
            yield key >> 3, number
            continue
        if key & 7 == _BYTES:
            length, place = _read_varint(data, place)
        else:
            length = {_FIXED64: 8, _FIXED32: 4}.get(key & 7, len(data))
        if length > len(data) - place:
            raise ValueError("a field is cut, or of a kind that nobody uses")
        yield key >> 3, data[place : place + length]
        place += length


def _read_varint(data: bytes, place: int) -> tuple[int, int]:
    """The number there, and where it ends."""
    number = 0
    for shift in range(0, 70, 7):
        if place >= len(data):
            break
        byte = data[place]
        number |= (byte & 0x7F) << shift
        place += 1
        if byte < 0x80:
            return number, place
    raise ValueError("a number is cut, or too long")
