"""The reference implementation of Avro, which shares nothing with ours."""

import io
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from avro.io import BinaryDecoder, DatumReader
from avro.schema import Schema, parse


def read(schema: str, value: bytes) -> Any:
    """A body as JSON has it, of a value in the registry's wire format that was written with this schema."""
    assert value[0] == 0
    stream = io.BytesIO(value[5:])
    found = DatumReader(_parsed(schema)).read(BinaryDecoder(stream))
    assert not stream.read()
    return _texts(found)


@cache
def _parsed(schema: str) -> Schema:
    return parse(schema)


def _texts(found: Any) -> Any:
    if isinstance(found, dict):
        return {name: _texts(part) for name, part in found.items()}
    if isinstance(found, list):
        return [_texts(part) for part in found]
    if isinstance(found, datetime):
        assert found.utcoffset() is not None
        return found.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return str(found) if isinstance(found, UUID) else found
