"""The Avro schemas of the topics' values: `avro/<topic>.avsc`.

Every version that was ever published lies beside them in `avro/history/<topic>/v<n>.avsc`. A change is a new version: a
new field has a default; none is renamed, narrowed or, if it has no default, removed.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

Schema = Mapping[str, Any]

_FOLDER = files(__package__) / "avro"


@cache
def schema(topic: str) -> Schema:
    """The present schema of the topic's values, as JSON. KeyError for a topic that has none."""
    try:
        return dict(json.loads((_FOLDER / f"{topic}.avsc").read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise KeyError(f"topic {topic} has no schema") from None


def topics_with_schema() -> list[str]:
    return sorted(file.name.removesuffix(".avsc") for file in _FOLDER.iterdir() if file.name.endswith(".avsc"))


def published(topic: str) -> Iterator[tuple[str, Schema]]:
    """All published versions of a topic's schema by their name, oldest first."""
    versions = {file.name.removesuffix(".avsc"): file for file in (_FOLDER / "history" / topic).iterdir()}
    for name in sorted(versions, key=lambda name: int(name.removeprefix("v"))):
        yield name, json.loads(versions[name].read_text(encoding="utf-8"))


def subject(topic: str) -> str:
    """What the registry calls the values of a topic (TopicNameStrategy)."""
    return f"{topic}-value"


def without_logical_types(avro: Any) -> Any:
    """The same bytes, read as they are: texts and numbers in place of UUIDs and datetimes."""
    if isinstance(avro, list):
        return [without_logical_types(branch) for branch in avro]
    if not isinstance(avro, dict):
        return avro
    if "logicalType" in avro:
        return avro["type"]
    return {key: without_logical_types(part) for key, part in avro.items()}
