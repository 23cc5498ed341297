"""No change of a schema leaves anybody behind who reads what was written before, or who reads with an older schema."""

import copy
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files
from typing import Any

import pytest
from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType
from avro.schema import parse

from cloud_sync.contract.schemas import Schema, published, schema, topics_with_schema

HISTORY = files("cloud_sync.contract") / "avro" / "history"


def faults(present: Schema, versions: Mapping[str, Schema]) -> Iterator[str]:
    """What is wrong with a schema whose published versions are these, oldest first."""
    for name, version in versions.items():
        reader, writer = parse(json.dumps(present)), parse(json.dumps(version))
        result = ReaderWriterCompatibilityChecker().get_compatibility(reader, writer)  # type: ignore[no-untyped-call]
        if result.compatibility is not SchemaCompatibilityType.compatible:
            yield f"what was written with {name} cannot be read: {'; '.join(sorted(result.messages))}"
        yield from (f"{name}: {fault}" for fault in _left_behind(present, version))
    newest = list(versions)[-1]
    if versions[newest] != present:
        yield f"it is not {newest}: a change is published as a new version"


def _left_behind(present: Schema, version: Schema, path: str = "") -> Iterator[str]:
    """What Avro's rules let pass, and hurts all the same: a field that old readers need, a unit of time."""
    fields = {field["name"]: field for field in present["fields"]}
    for field in version["fields"]:
        name, now = path + field["name"], fields.get(field["name"])
        if now is None:
            if "default" not in field:
                yield f"{name} is gone, and has no default for those who still look for it"
            continue
        if _logical(now["type"]) != _logical(field["type"]):
            yield f"{name} was {_logical(field['type'])} and is {_logical(now['type'])}"
        inner_now, inner = _record_in(now["type"]), _record_in(field["type"])
        if inner_now and inner:
            yield from _left_behind(inner_now, inner, f"{name}.")


def _logical(avro: Any) -> str | None:
    branches = avro if isinstance(avro, list) else [avro]
    return next((branch["logicalType"] for branch in branches if "logicalType" in branch and branch != "null"), None)


def _record_in(avro: Any) -> Schema | None:
    branches = avro if isinstance(avro, list) else [avro.get("items", avro) if isinstance(avro, dict) else avro]
    return next((branch for branch in branches if isinstance(branch, dict) and "fields" in branch), None)


@pytest.mark.parametrize("topic", topics_with_schema())
def test_every_schema_can_follow_all_that_was_published(topic: str) -> None:
    assert list(faults(schema(topic), dict(published(topic)))) == []


def test_what_was_published_stays_as_it_was() -> None:
    """A new version: copy it into the history and run `sha256sum */v*.avsc > SHA256SUMS` there."""
    lines = (HISTORY / "SHA256SUMS").read_text().splitlines()
    listed = {name: digest for digest, name in (line.split() for line in lines)}
    there = {
        f"{topic}/{name}.avsc": hashlib.sha256((HISTORY / topic / f"{name}.avsc").read_bytes()).hexdigest()
        for topic in topics_with_schema()
        for name, _ in published(topic)
    }
    assert listed == there


@pytest.mark.parametrize("topic", topics_with_schema())
def test_every_field_is_explained(topic: str) -> None:
    def unexplained(avro: Schema) -> Iterator[str]:
        for field in avro["fields"]:
            if not field.get("doc", "").endswith("."):
                yield field["name"]
            inner = _record_in(field["type"])
            if inner:
                yield from unexplained(inner)

    assert list(unexplained(schema(topic))) == []
    assert schema(topic)["doc"]


def _field(avro: Any, *path: str) -> Any:
    field = next(field for field in avro["fields"] if field["name"] == path[0])
    return _field(field["type"], *path[1:]) if path[1:] else field


def _without(*path: str) -> Callable[[Any], None]:
    def mutate(avro: Any) -> None:
        record = _field(avro, *path[:-1])["type"] if path[:-1] else avro
        record["fields"] = [field for field in record["fields"] if field["name"] != path[-1]]

    return mutate


def _with(*path: str, **change: Any) -> Callable[[Any], None]:
    return lambda avro: _field(avro, *path).update(change)


def _and(**field: Any) -> Callable[[Any], None]:
    return lambda avro: avro["fields"].append(field)


MILLIS = {"type": "long", "logicalType": "timestamp-millis"}


@pytest.mark.parametrize(
    ("mutate", "complaint"),
    [
        pytest.param(_without("value"), "value is gone", id="a field removed"),
        pytest.param(_without("metadata", "flag"), "metadata.flag is gone", id="an inner field removed"),
        pytest.param(_with("value", name="reading"), "reading", id="renamed"),
        pytest.param(_with("value", name="reading", aliases=["value"]), "value is gone", id="renamed with an alias"),
        pytest.param(_with("value", type=["null", "float"]), "cannot be read", id="narrowed to float"),
        pytest.param(_with("value", type="double"), "cannot be read", id="no null any more"),
        pytest.param(_with("metadata", "sequence", type="int"), "cannot be read", id="narrowed to int"),
        pytest.param(_with("quality_score", type="string"), "cannot be read", id="another type"),
        pytest.param(_with("time", type=MILLIS), "time was timestamp-micros and is", id="another unit of time"),
        pytest.param(_with("sensor_id", type="string"), "sensor_id was uuid and is None", id="no UUID any more"),
        pytest.param(_and(name="site", type="string"), "cannot be read", id="added without a default"),
        pytest.param(lambda avro: avro.update(name="Reading"), "cannot be read", id="the record renamed"),
        pytest.param(_with("value", doc="New words."), "it is not v2", id="other words"),
    ],
)
def test_what_would_leave_somebody_behind_is_found(mutate: Callable[[Any], None], complaint: str) -> None:
    mutant: Any = copy.deepcopy(schema("sensor-readings"))
    mutate(mutant)
    found = list(faults(mutant, dict(published("sensor-readings"))))
    assert any(complaint in fault for fault in found), found
    if "it is not v2" not in complaint:
        assert len(found) > 1, "it would still be found once it is published"


def test_a_version_in_between_counts_too() -> None:
    """v1 has no `site`, v2 has one with a default, v3 demands it: fine after v2, not after v1."""
    v1 = schema("sensor-readings")
    site = {"name": "site", "type": "string", "doc": "Where."}
    v2 = {**v1, "fields": [*v1["fields"], {**site, "default": ""}]}
    v3 = {**v1, "fields": [*v1["fields"], site]}
    assert list(faults(v3, {"v2": v2, "v3": v3})) == []
    assert any("written with v1" in fault for fault in faults(v3, {"v1": v1, "v2": v2, "v3": v3}))


def test_a_new_field_with_a_default_is_welcome() -> None:
    v1 = schema("sensor-readings")
    v2 = {**v1, "fields": [*v1["fields"], {"name": "site", "type": ["null", "string"], "default": None}]}
    assert list(faults(v2, {"v1": v1, "v2": v2})) == []
