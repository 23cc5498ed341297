"""Records as Avro in the registry's wire format: byte 0, the schema's id in four bytes, then the value.

Our own writer of a small part of Avro 1.12, for three reasons. fastavro makes a whole number of 1.7 and of True and
takes a flag of 2³¹; here nothing is converted that the schema does not ask for, and what is wrong is named. Texts
that repeat are encoded once, which makes it quicker. And a gateway without wheels for fastavro can send Avro too.
Two decoders that are not ours read what it writes in `tests/cloud_sync/test_encoding.py`.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from math import isfinite
from struct import Struct
from typing import Any
from uuid import UUID

from cloud_sync.contract.errors import BreaksContract
from cloud_sync.contract.record import Record
from cloud_sync.contract.schemas import Schema, schema

Encode = Callable[[Any], bytes]

_HEADER = Struct(">BI")
_double = Struct("<d").pack
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Encoder:
    """Writes the values of one topic with its present schema, which the registry knows as `schema_id`."""

    def __init__(self, topic: str, schema_id: int) -> None:
        self._topic = topic
        self.header = _HEADER.pack(0, schema_id)
        self._encode = _encode_as(schema(topic))

    def __call__(self, record: Record) -> bytes:
        """Raises BreaksContract, naming field and value. Letters that UTF-8 has no bytes for become `\\udcxx`."""
        try:
            return self.header + self._encode({**record.body, "time": record.time_us})
        except _Misfit as misfit:
            raise BreaksContract(f"{self._topic}: {'.'.join(misfit.path)} {misfit.because}") from None


class _Misfit(Exception):
    """`path` leads to the field."""

    def __init__(self, because: str, *path: str) -> None:
        super().__init__(because)
        self.because = because
        self.path = path


def _encode_as(avro: Any) -> Encode:
    """What writes a value of that schema. It raises _Misfit for any other value."""
    if isinstance(avro, list):
        if len(avro) != 2 or avro[0] != "null":
            raise TypeError(f"a union other than [null, …] is not supported: {avro}")
        return _nullable(_encode_as(avro[1]))
    if isinstance(avro, str):
        return _PLAIN[avro]
    if avro["type"] == "record":
        return _record(avro)
    if avro["type"] == "array":
        return _array(_encode_as(avro["items"]))
    return _LOGICAL[avro["type"], avro["logicalType"]]


def _record(avro: Schema) -> Encode:
    fields = {field["name"]: _encode_as(field["type"]) for field in avro["fields"]}
    each = list(fields.items())

    def encode(body: Any) -> bytes:
        try:
            if len(body) == len(each):
                return b"".join([encode_field(body[name]) for name, encode_field in each])
        except (_Misfit, KeyError, TypeError):
            pass
        raise _found_misfit(fields, body)

    return encode


def _found_misfit(fields: Mapping[str, Encode], body: Any) -> _Misfit:
    if not isinstance(body, Mapping):
        return _misfit("an object", body)
    for name in body.keys() - fields.keys():
        return _Misfit("is not in the schema", str(name))
    for name, encode in fields.items():
        if name not in body:
            return _Misfit("is missing", name)
        try:
            encode(body[name])
        except _Misfit as misfit:
            return _Misfit(misfit.because, name, *misfit.path)
        except TypeError:
            return _Misfit(_misfit("what the schema asks for", body[name]).because, name)
    raise AssertionError(f"nothing is wrong with {body}")


def _nullable(encode: Encode) -> Encode:
    return lambda value: b"\x00" if value is None else b"\x02" + encode(value)


def _array(encode: Encode) -> Encode:
    def encoded(values: Any) -> bytes:
        if not isinstance(values, list):
            raise _misfit("a list", values)
        parts = []
        for index, value in enumerate(values):
            try:
                parts.append(encode(value))
            except _Misfit as misfit:
                raise _Misfit(misfit.because, str(index), *misfit.path) from None
        return b"".join([_whole(len(parts)), *parts, b"\x00"]) if parts else b"\x00"

    return encoded


def _number(value: Any) -> bytes:
    if type(value) is not float and type(value) is not int:
        raise _misfit("a number", value)
    try:
        number = float(value)
    except OverflowError:
        raise _misfit("a number of 64 bits", value) from None
    if not isfinite(number):
        raise _misfit("a finite number", value)
    return _double(number)


def _within(bits: int) -> Encode:
    limit = 1 << (bits - 1)

    def encode(value: Any) -> bytes:
        if type(value) is not int or not -limit <= value < limit:
            raise _misfit(f"a whole number of {bits} bits", value)
        return _whole(value)

    return encode


def _whole(value: int) -> bytes:
    """Zigzag, then seven bits a byte, the lowest first."""
    left = (value << 1) ^ (value >> 63)
    encoded = bytearray()
    while left > 127:
        encoded.append(left & 127 | 128)
        left >>= 7
    encoded.append(left)
    return bytes(encoded)


def _bool(value: Any) -> bytes:
    if type(value) is not bool:
        raise _misfit("true or false", value)
    return b"\x01" if value else b"\x00"


def _bytes(value: Any) -> bytes:
    if type(value) is not bytes:
        raise _misfit("bytes", value)
    return _whole(len(value)) + value


# Most texts come again with the next reading.
@lru_cache(maxsize=16_384)
def _text(value: Any) -> bytes:
    if type(value) is not str:
        raise _misfit("a text", value)
    return _bytes(value.encode("utf-8", "backslashreplace"))


@lru_cache(maxsize=16_384)
def _uuid(value: Any) -> bytes:
    try:
        if type(value) is str and str(UUID(value)) == value:
            return _bytes(value.encode())
    except ValueError:
        pass
    raise _misfit("a UUID in lower case with dashes", value)


_long = _within(64)


def _micros(value: Any) -> bytes:
    """UTC microseconds, or ISO 8601 with its offset from UTC."""
    if type(value) is int:
        return _long(value)
    try:
        return _whole((datetime.fromisoformat(value) - _EPOCH) // _MICROSECOND)
    except (TypeError, ValueError):
        raise _misfit("a time such as 2026-11-23T12:00:00Z", value) from None


def _misfit(wanted: str, value: Any) -> _Misfit:
    shown = repr(value)
    return _Misfit(f"is not {wanted}: {shown if len(shown) <= 80 else shown[:79] + '…'}")


_PLAIN: Mapping[str, Encode] = {
    "boolean": _bool, "int": _within(32), "long": _long, "double": _number, "string": _text, "bytes": _bytes,
}  # fmt: skip
_LOGICAL: Mapping[tuple[str, str], Encode] = {("long", "timestamp-micros"): _micros, ("string", "uuid"): _uuid}
