"""Records as Avro in the registry's wire format: byte 0, the schema's id in four bytes, then the value.

Our own writer of a small part of Avro 1.12, for three reasons. fastavro makes a whole number of 1.7 and of True and
takes a flag of 2³¹; here nothing is converted that the schema does not ask for, and what is wrong is named. Texts
that repeat are encoded once, which makes it quicker (`python -m tests.bench.encoding`). And a gateway without wheels
for fastavro can send Avro too. Two decoders that are not ours read what it writes in
`tests/cloud_sync/test_encoding.py`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from itertools import groupby
from operator import itemgetter
from struct import Struct
from typing import Any

from cloud_sync.contract.avro_values import LOGICAL, PLAIN, Encode, Misfit, misfit, whole
from cloud_sync.contract.errors import BreaksContract
from cloud_sync.contract.reading_body import ReadingBody
from cloud_sync.contract.reading_writer import ReadingWriter
from cloud_sync.contract.record import Record
from cloud_sync.contract.schemas import Schema, schema
from cloud_sync.contract.topics import SENSOR_READINGS

_HEADER = Struct(">BI")
_number = partial(Struct("<Bd").pack, 2)  # of ["null", "double"], without a question


class Encoder:
    """Writes the values of one topic with its present schema, which the registry knows as `schema_id`."""

    def __init__(self, topic: str, schema_id: int) -> None:
        self._topic = topic
        self.header = _HEADER.pack(0, schema_id)
        self._encode = _encode_as(schema(topic))
        self._reading = _reading_writer(schema(topic), self.header) if topic == SENSOR_READINGS else None

    def __call__(self, record: Record) -> bytes:
        """Raises BreaksContract, naming field and value. Letters that UTF-8 has no bytes for become `\\udcxx`."""
        body = record.body
        try:
            if type(body) is ReadingBody and self._reading is not None and (value := self._reading(body)) is not None:
                return value
        except Misfit:
            pass  # which is named below
        try:
            return self.header + self._encode({**body, "time": record.time_us})
        except Misfit as found:
            raise BreaksContract(f"{self._topic}: {'.'.join(found.path)} {found.because}") from None


def _reading_writer(avro: Schema, header: bytes) -> ReadingWriter:
    fields = {field["name"]: field["type"] for field in avro["fields"]}
    fields |= {field["name"]: field["type"] for field in fields.pop("metadata")["fields"]}
    write = {name: _encode_as(kind) for name, kind in fields.items()}
    return ReadingWriter({**write, "time": lambda utc_us: header + write["time"](utc_us)}, number=_number)


def _encode_as(avro: Any) -> Encode:
    """What writes a value of that schema. It raises Misfit for any other value."""
    if isinstance(avro, list):
        if len(avro) != 2 or avro[0] != "null":
            raise TypeError(f"a union other than [null, …] is not supported: {avro}")
        return _nullable(_encode_as(avro[1]))
    if isinstance(avro, str):
        return PLAIN[avro]
    if avro["type"] == "record":
        return _record(avro)
    if avro["type"] == "array":
        return _array(_encode_as(avro["items"]))
    return LOGICAL[avro["type"], avro["logicalType"]]


def _record(avro: Schema) -> Encode:
    fields = {field["name"]: _encode_as(field["type"]) for field in avro["fields"]}
    runs = list(_runs(avro, fields))

    def encode(body: Any) -> bytes:
        try:
            if len(body) == len(fields):
                return b"".join([encode_run(of(body)) for of, encode_run in runs])
        except (Misfit, KeyError, TypeError):
            pass
        raise _found_misfit(fields, body)

    return encode


def _runs(avro: Schema, fields: Mapping[str, Encode]) -> Iterator[tuple[Callable[[Any], Any], Encode]]:
    """What takes neighbouring fields out of a body, and what writes them: neighbouring texts together, since they come
    again together with the next reading of a sensor.
    """
    for is_text, group in groupby(avro["fields"], lambda field: _is_text(field["type"])):
        names = [field["name"] for field in group]
        for run in [names] if is_text and len(names) > 1 else [[name] for name in names]:
            encoders = [fields[name] for name in run]
            yield itemgetter(*run), encoders[0] if len(run) == 1 else _remembered(encoders)


def _is_text(avro: Any) -> bool:
    if isinstance(avro, list):
        return _is_text(avro[1])
    return avro == "string" or (isinstance(avro, dict) and avro["type"] == "string")


def _remembered(encoders: Sequence[Encode]) -> Encode:
    @lru_cache(maxsize=4096)
    def encode(values: Sequence[Any]) -> bytes:
        return b"".join([encode_value(value) for encode_value, value in zip(encoders, values, strict=True)])

    return encode


def _found_misfit(fields: Mapping[str, Encode], body: Any) -> Misfit:
    if not isinstance(body, Mapping):
        return misfit("an object", body)
    for name in body.keys() - fields.keys():
        return Misfit("is not in the schema", str(name))
    for name, encode in fields.items():
        if name not in body:
            return Misfit("is missing", name)
        try:
            encode(body[name])
        except Misfit as found:
            return Misfit(found.because, name, *found.path)
        except TypeError:
            return Misfit(misfit("what the schema asks for", body[name]).because, name)
    raise AssertionError(f"nothing is wrong with {body}")


def _nullable(encode: Encode) -> Encode:
    return lambda value: b"\x00" if value is None else b"\x02" + encode(value)


def _array(encode: Encode) -> Encode:
    def encoded(values: Any) -> bytes:
        if not isinstance(values, list):
            raise misfit("a list", values)
        parts = []
        for index, value in enumerate(values):
            try:
                parts.append(encode(value))
            except Misfit as found:
                raise Misfit(found.because, str(index), *found.path) from None
        return b"".join([whole(len(parts)), *parts, b"\x00"]) if parts else b"\x00"

    return encoded
