"""Readings as the lines of text that COPY takes, which PostgreSQL reads with the least work.

A line has the columns in the order of the schema's fields, and what is nested as JSON. It begins with the time.
"""

import json
import re
from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import Any, Final, LiteralString

from cloud_sync.contract.jsontext import json_text
from cloud_sync.contract.storable import clean, is_storable
from cloud_sync.contract.topics import SENSOR_READINGS

# Into each table that takes lines. COPY knows no ON CONFLICT: one row that is there already undoes them all.
COPY: Final[Mapping[str, LiteralString]] = {
    SENSOR_READINGS: """
COPY sensor_data.readings (time, sensor_id, tank_id, sensor_type, value, quality_score, metadata) FROM STDIN"""
}
_COLUMNS: Final = ("time", "sensor_id", "tank_id", "sensor_type", "value", "quality_score", "metadata")
_TIME: Final = slice(0, 27)  # 2026-11-23T12:00:00.000000Z
_SENSOR: Final = slice(28, 64)
_TESTS: Final = '"tests":"'
_ESCAPE: Final = re.compile(r"\\(.)")
_MEANT: Final = {"t": "\t", "n": "\n", "r": "\r"}


def line(body: Mapping[str, Any]) -> str:
    """The line of a reading's body."""
    return "\t".join([column(body[name]) for name in _COLUMNS]) + "\n"


def column(value: Any) -> str:
    """One value in its place. ValueError for a number in JSON that is not finite."""
    if value is None:
        return "\\N"
    if isinstance(value, Mapping):
        text = json_text(value)
        return (text if is_storable(text) else json_text(clean(value))).replace("\\", "\\\\")
    return escaped(clean(value)) if isinstance(value, str) else str(value)


def escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def body(text: str) -> dict[str, Any]:
    """What the line was made of, but for text that PostgreSQL does not take."""
    found: dict[str, Any] = dict(zip(_COLUMNS, map(_unescaped, text[:-1].split("\t")), strict=True))
    value = found["value"]
    found["value"] = None if value is None else float(value)
    found["quality_score"] = float(found["quality_score"])
    found["metadata"] = json.loads(found["metadata"])
    return found


def time_of(text: str) -> str:
    """When the reading of a line was measured: ISO 8601 in UTC."""
    return text[_TIME]


def is_suspected(text: str) -> bool:
    """Whether any check has flagged the reading of a line 3 or 4. It may say yes of tests that no gateway writes."""
    begin = text.index(_TESTS, text.rindex("\t")) + len(_TESTS)
    tests = text[begin : text.index('"', begin)]
    return "3" in tests or "4" in tests or tests.endswith("\\")  # of a quotation mark, behind which there is more


def in_order(lines: Iterable[str]) -> list[str]:
    """By their keys, sensor and time, as the other statements write them."""
    return sorted(lines, key=itemgetter(_SENSOR, _TIME))


def newest(ordered: Iterable[str]) -> list[str]:
    """The newest line of each sensor."""
    return list({text[_SENSOR]: text for text in ordered}.values())


def _unescaped(text: str) -> str | None:
    return None if text == "\\N" else _ESCAPE.sub(lambda found: _MEANT.get(found[1], found[1]), text)
