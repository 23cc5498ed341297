"""Payloads say to Eclipse Tahu's decoder what they were made of, and of commands one is obeyed."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.feed.sparkplug.payload import REBIRTH, DataType, Metric, encode, wants_rebirth
from tests.services.tahu import Tahu

MS = st.integers(0, 2**53)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
VALUES = {
    DataType.DOUBLE: st.floats(-1e15, 1e15) | st.integers(-1000, 1000),
    DataType.INT64: st.integers(0, 2**53),
    DataType.BOOLEAN: st.booleans(),
    DataType.STRING: TEXT,
}
FIELDS = {DataType.DOUBLE: "doubleValue", DataType.INT64: "longValue", DataType.BOOLEAN: "booleanValue"}
PROPERTIES = st.dictionaries(TEXT, st.none() | st.integers(0, 2**31 - 1) | TEXT, max_size=4)
TAHU = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def metrics(draw: st.DrawFn) -> Metric:
    datatype = draw(st.sampled_from(list(VALUES)))
    return Metric(draw(TEXT), draw(MS), datatype, draw(st.none() | VALUES[datatype]), draw(PROPERTIES))


_REBIRTH = Metric(REBIRTH, 1, DataType.BOOLEAN, True)


def as_tahu_says(metric: Metric, birth: bool) -> dict[str, Any]:
    said: dict[str, Any] = {"name": metric.name, "timestamp": metric.at_ms}
    said |= {"datatype": metric.datatype.value} if birth else {}
    field = FIELDS.get(metric.datatype, "stringValue")
    said |= {"isNull": True} if metric.value is None else {field: metric.value}
    if metric.properties:
        values = [property_as_tahu_says(value) for value in metric.properties.values()]
        said["properties"] = {"keys": list(metric.properties), "values": values}
    return said


def property_as_tahu_says(value: int | str | None) -> dict[str, Any]:
    if isinstance(value, int):
        return {"type": 3, "intValue": value}
    return {"type": 12} | ({"isNull": True} if value is None else {"stringValue": value})


@TAHU
@given(MS, st.lists(metrics(), max_size=5), st.none() | st.integers(0, 255), st.booleans())
def test_tahu_reads_what_was_said(tahu: Tahu, at_ms: int, told: list[Metric], seq: int | None, birth: bool) -> None:
    said = {"timestamp": at_ms} | ({"metrics": [as_tahu_says(one, birth) for one in told]} if told else {})
    assert tahu.decode(encode(at_ms, told, seq, birth)) == said | ({} if seq is None else {"seq": seq})


def test_half_a_character_becomes_one_that_can_be_sent(tahu: Tahu) -> None:
    garbled = Metric("m", 1, DataType.STRING, "no number: \udcff", {"because": "\udcff"})
    said = tahu.decode(encode(1, [garbled], 0))["metrics"][0]
    assert said["stringValue"] == "no number: \\udcff"
    assert said["properties"]["values"] == [{"type": 12, "stringValue": "\\udcff"}]


def test_a_negative_number_is_no_time() -> None:
    with pytest.raises(ValueError, match="-1 is negative"):
        encode(-1, [], 0)


def command(**metric: Any) -> dict[str, Any]:
    return {"timestamp": 1, "metrics": [{"name": "Other", "booleanValue": True}, {"timestamp": 1, **metric}]}


COMMANDS: list[tuple[dict[str, Any], bool]] = [
    (command(name=REBIRTH, datatype=11, booleanValue=True), True),
    (
        command(name=REBIRTH, booleanValue=True, properties={"keys": ["k"], "values": [{"type": 9, "floatValue": 1}]}),
        True,
    ),
    (command(name=REBIRTH, datatype=11, booleanValue=False), False),
    (command(name=REBIRTH, datatype=11), False),
    (command(name=REBIRTH, datatype=7, intValue=1), False),
    (command(name=REBIRTH, datatype=12, stringValue="true"), False),
    (command(name="Node Control/Reboot", datatype=11, booleanValue=True), False),
    (command(alias=3, datatype=11, booleanValue=True), False),
    (command(name=REBIRTH, booleanValue=True, metadata={"description": "x" * 10_000}), False),
    ({"timestamp": 1}, False),
]


@pytest.mark.parametrize(("said", "obeyed"), COMMANDS)
def test_a_rebirth_is_the_one_command_that_is_obeyed(tahu: Tahu, said: dict[str, Any], obeyed: bool) -> None:
    assert wants_rebirth(tahu.encode(said)) is obeyed


@settings(max_examples=500)
@given(st.binary(max_size=300))
def test_bytes_that_are_no_command_do_nothing(payload: bytes) -> None:
    wants_rebirth(payload)


PARTS = {
    "name": st.sampled_from([REBIRTH, "Other", ""]),
    "alias": st.integers(0, 300),
    "timestamp": MS,
    "datatype": st.integers(0, 34),
    "isNull": st.booleans(),
    "metadata": st.fixed_dictionaries({}, optional={"size": MS, "description": TEXT}),
    "properties": st.just({"keys": ["k"], "values": [{"type": 9, "floatValue": 1.5}]}),
}
VALUE = st.sampled_from([{"booleanValue": True}, {"booleanValue": False}, {"intValue": 1}, {"doubleValue": 1.0}, {}])


@TAHU
@given(st.lists(st.tuples(st.fixed_dictionaries({}, optional=PARTS), VALUE), max_size=4))
def test_of_what_tahu_writes_a_rebirth_is_obeyed_and_nothing_else(
    tahu: Tahu, said: list[tuple[dict[str, Any], dict[str, Any]]]
) -> None:
    payload = tahu.encode({"timestamp": 1, "metrics": [{**parts, **value} for parts, value in said]})
    wanted = any(parts.get("name") == REBIRTH and value.get("booleanValue") is True for parts, value in said)
    assert wants_rebirth(payload) is wanted


@settings(max_examples=200)
@given(st.data())
def test_a_command_that_is_cut_does_nothing(data: st.DataObject) -> None:
    whole = encode(1, [_REBIRTH], None)
    assert wants_rebirth(whole)
    assert not wants_rebirth(whole[: data.draw(st.integers(0, len(whole) - 1))])
