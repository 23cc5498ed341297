"""Avro in the registry's wire format as bodies, the same as those that travel as JSON."""

import io
from collections.abc import Callable
from functools import lru_cache
from math import isfinite
from struct import Struct
from typing import Any

import fastavro
from fastavro.schema import to_parsing_canonical_form

from cloud_sync.contract.avro_values import is_uuid
from cloud_sync.contract.errors import BreaksContract
from cloud_sync.contract.line_reader import LineReader, Unusual
from cloud_sync.contract.lines import COPY, line
from cloud_sync.contract.schemas import Schema, schema, without_logical_types
from cloud_sync.contract.timestamps import iso_utc

_HEADER = Struct(">BI")
_NOT_OURS = (
    fastavro.read.SchemaResolutionError, EOFError, IndexError, KeyError, OverflowError, TypeError, ValueError,
)  # fmt: skip


class Decoder:
    """Reads the values of one topic, whatever version they were written with, as the present schema sees them.

    `schema_by_id` asks the registry; it is asked once an id.
    """

    def __init__(self, topic: str, schema_by_id: Callable[[int], Schema]) -> None:
        self._topic = topic
        self._schema_by_id = schema_by_id
        self._reader = fastavro.parse_schema(without_logical_types(schema(topic)))
        self._schemas: dict[int, tuple[Any, Any]] = {}  # by id: the writer's, and ours where it is another
        self._line_reader = LineReader(schema(topic)) if topic in COPY else None
        self._lines: dict[bytes, LineReader] = {}  # by the first bytes of a value
        self._finish = _finish_as(schema(topic))

    def __call__(self, value: bytes) -> dict[str, Any]:
        """The body. Raises BreaksContract, and whatever `schema_by_id` does."""
        schema_id = self._id_of(value)
        writer, reader = self._schemas.get(schema_id) or self._learned(schema_id)
        stream = io.BytesIO(value)
        stream.seek(_HEADER.size)
        try:
            body: Any = fastavro.schemaless_reader(stream, writer, reader)
            if self._finish is not None:
                body = self._finish(body)
        except _NOT_OURS as error:
            raise self._broken(f"it cannot be read with schema {schema_id}: {error or type(error).__name__}") from error
        if stream.tell() != len(value):
            raise self._broken(f"{len(value) - stream.tell()} bytes too many for schema {schema_id}")
        return dict(body)

    def line(self, value: bytes) -> str:
        """The line of the body, of a topic that is copied. Raises the same."""
        try:
            return self._lines[value[: _HEADER.size]](value)
        except (KeyError, Unusual):
            return line(self(value))

    def _id_of(self, value: bytes) -> int:
        if len(value) <= _HEADER.size:
            raise self._broken(f"{len(value)} bytes are too few for the registry's wire format")
        magic, schema_id = _HEADER.unpack_from(value)
        if magic:
            raise self._broken(f"it begins with byte {magic:#04x}, not 0x00: not the registry's wire format")
        return int(schema_id)

    def _learned(self, schema_id: int) -> tuple[Any, Any]:
        avro = without_logical_types(self._schema_by_id(schema_id))
        try:
            writer = fastavro.parse_schema(avro)
        except fastavro.schema.SchemaParseException as error:
            raise self._broken(f"schema {schema_id} is not Avro: {error}") from error
        is_ours = to_parsing_canonical_form(writer) == to_parsing_canonical_form(self._reader)
        if is_ours and self._line_reader is not None:
            self._lines[_HEADER.pack(0, schema_id)] = self._line_reader
        schemas = self._schemas[schema_id] = writer, None if is_ours else self._reader
        return schemas

    def _broken(self, because: str) -> BreaksContract:
        return BreaksContract(f"{self._topic}: {because}")


def _finish_as(avro: Any) -> Callable[[Any], Any] | None:
    """What makes of a decoded value what a body has in its place; None where they are the same.

    It raises ValueError for a number that is not finite, or no UUID: another producer may have written one.
    """
    if isinstance(avro, list):
        finish = _finish_as(avro[1])
        return finish and (lambda value: None if value is None else finish(value))
    if avro == "double":
        return _finite
    if not isinstance(avro, dict):
        return None
    if avro["type"] == "record":
        return _finish_fields({field["name"]: _finish_as(field["type"]) for field in avro["fields"]})
    if avro["type"] == "array":
        each = _finish_as(avro["items"])
        return each and (lambda values: [each(value) for value in values])
    return {"timestamp-micros": iso_utc, "uuid": _lower_uuid}[avro["logicalType"]]


def _finish_fields(fields: dict[str, Callable[[Any], Any] | None]) -> Callable[[Any], Any] | None:
    to_do = [(name, finish) for name, finish in fields.items() if finish is not None]

    def finish_all(body: dict[str, Any]) -> dict[str, Any]:
        for name, finish in to_do:
            try:
                body[name] = finish(body[name])
            except (OverflowError, ValueError) as error:
                raise ValueError(f"{name}: {error}") from error
        return body

    return finish_all if to_do else None


def _finite(number: float) -> float:
    if not isfinite(number):
        raise ValueError(f"not a finite number: {number}")
    return number


# Sensors and tanks come again with every reading.
@lru_cache(maxsize=10_000)
def _lower_uuid(text: str) -> str:
    """Of two spellings PostgreSQL makes one, and then refuses a statement that touches its row twice."""
    lower = text.lower()
    if not is_uuid(lower):
        raise ValueError(f"not a UUID with dashes: {text!r}")
    return lower
