"""Bodies as JSON text in UTF-8: compact, readable (`°C` stays `°C`), and never NaN or Infinity."""

import json
from collections.abc import Mapping
from typing import Any

_encode = json.JSONEncoder(ensure_ascii=False, check_circular=False, allow_nan=False, separators=(",", ":")).encode


def json_bytes(body: Mapping[str, Any]) -> bytes:
    """One JSON object without line breaks. ValueError for a number that is not finite."""
    # A lone surrogate, as a garbled reply can bring into a reason, becomes \udcxx: the right escape in JSON too.
    return _encode(body).encode("utf-8", "backslashreplace")


def json_text(value: Any) -> str:
    """Any JSON as a text; half characters stay as they are. ValueError for a number that is not finite."""
    return _encode(value)
