"""Bodies as JSON text in UTF-8: compact, readable (`°C` stays `°C`), and never NaN or Infinity."""

import json
from collections.abc import Mapping
from typing import Any

from cloud_sync.contract.reading_body import ReadingBody
from cloud_sync.contract.reading_writer import FIELDS, ReadingWriter, Write
from cloud_sync.contract.timestamps import iso_utc

_encode = json.JSONEncoder(ensure_ascii=False, check_circular=False, allow_nan=False, separators=(",", ":")).encode


def json_bytes(body: Mapping[str, Any]) -> bytes:
    """One JSON object without line breaks. ValueError for a number that is not finite."""
    if type(body) is ReadingBody:
        return _reading(body) or _bytes(_encode(body.made()))
    return _bytes(_encode(body))


def json_text(value: Any) -> str:
    """Any JSON as a text; half characters stay as they are. ValueError for a number that is not finite."""
    return _encode(value)


def _bytes(text: str) -> bytes:
    # A lone surrogate, as a garbled reply can bring into a reason, becomes \udcxx: the right escape in JSON too.
    return text.encode("utf-8", "backslashreplace")


def _field(name: str) -> Write:
    before = {"time": '{"', "flag": ',"metadata":{"'}.get(name, ',"') + name + '":'
    after = "}}" if name == "sequence" else ""
    return lambda value: _bytes(before + _encode(value) + after)


_fields = {name: _field(name) for name in FIELDS}
_reading = ReadingWriter(
    _fields | {"time": lambda utc_us: _fields["time"](iso_utc(utc_us)), "sequence": b',"sequence":%d}}'.__mod__},
    number=b',"value":%a'.__mod__,
)
