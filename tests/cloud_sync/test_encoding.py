"""Avro says what JSON says, and anybody can read it."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_sync.contract.decoding import Decoder
from cloud_sync.contract.encoding import Encoder
from cloud_sync.contract.errors import BreaksContract, UnknownSchema
from cloud_sync.contract.health_record import health_record
from cloud_sync.contract.jsontext import json_bytes
from cloud_sync.contract.record import Record, identity
from cloud_sync.contract.records import record
from cloud_sync.contract.schemas import schema, topics_with_schema
from tests.cloud_sync import foreign
from tests.cloud_sync.anything import gateway_records, made_of, of_schema
from tests.cloud_sync.things import GATEWAY, NOON_US, change, gap, health, reading, rollup

OURS = {topic: number for number, topic in enumerate(topics_with_schema(), 1)}
BY_ID = {number: schema(topic) for topic, number in OURS.items()}
ENCODERS = {topic: Encoder(topic, number) for topic, number in OURS.items()}
DECODERS = {topic: Decoder(topic, BY_ID.__getitem__) for topic in OURS}
TEXTS = {topic: json.dumps(schema(topic)) for topic in OURS}


@given(gateway_records)
def test_avro_says_what_json_says(made: Record) -> None:
    value = ENCODERS[made.topic](made)
    assert value[:5] == b"\x00\x00\x00\x00" + bytes([OURS[made.topic]])
    assert DECODERS[made.topic](value) == foreign.read(TEXTS[made.topic], value) == json.loads(json_bytes(made.body))


@pytest.mark.parametrize("topic", OURS)
@settings(max_examples=30)
@given(st.data())
def test_whatever_fits_the_schema_comes_back(topic: str, data: st.DataObject) -> None:
    body = data.draw(of_schema(schema(topic)))
    value = ENCODERS[topic](made_of(topic, body))
    assert DECODERS[topic](value) == foreign.read(TEXTS[topic], value) == body


@pytest.mark.parametrize(
    "made",
    [
        *(record(thing, GATEWAY) for thing in (reading(1), change(1), gap(1), rollup(1))),
        health_record(health(1), GATEWAY),
    ],
    ids=lambda made: made.topic,
)
def test_bodies_of_every_kind_have_every_field_in_the_order_of_the_schema(made: Record) -> None:
    fields = {field["name"]: field for field in schema(made.topic)["fields"]}
    assert list(made.body) == list(fields)
    assert list(made.body["metadata"]) == [field["name"] for field in fields["metadata"]["type"]["fields"]]


def test_how_a_gateway_is() -> None:
    made = health_record(health(5), GATEWAY)
    assert (made.seq, made.topic, made.key, made.time_us) == (5, "gateway-health", GATEWAY, NOON_US + 5)
    assert made.body["store"]["days_left"] == 41.5
    assert [(sink["name"], sink["oldest_age_s"]) for sink in made.body["sinks"]] == [("archive", None), ("cloud", 60.5)]
    assert made.body["machine"]["temperature_c"] is None
    assert identity(made.body) == (GATEWAY, made.body["time"], None, 5)
    assert DECODERS[made.topic](ENCODERS[made.topic](made)) == made.body


def test_numbers_of_a_gateway_that_are_not_finite_are_null() -> None:
    strange = replace(health(5), readings_per_s=float("inf"))
    strange = replace(strange, store=replace(strange.store, days_left=float("nan")))
    strange = replace(strange, sinks=(replace(strange.sinks[0], oldest_age_s=float("-inf")),))
    body = health_record(strange, GATEWAY).body
    assert body["readings_per_s"] is body["store"]["days_left"] is body["sinks"][0]["oldest_age_s"] is None


def test_a_text_that_is_no_unicode_is_sent_escaped() -> None:
    made = altered(reading(1), {"metadata": {"reason": "\udc80°"}})
    assert DECODERS[made.topic](ENCODERS[made.topic](made))["metadata"]["reason"] == "\\udc80°"


def altered(thing: Any, change: Mapping[str, Any]) -> Record:
    made = record(thing, GATEWAY)
    body = {**made.body, **change}
    if "metadata" in change:
        body["metadata"] = {**made.body["metadata"], **change["metadata"]}
    return made._replace(body=body)


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"value": float("nan")}, "value is not a finite number: nan"),
        ({"value": float("-inf")}, "value is not a finite number: -inf"),
        ({"value": 10**400}, "value is not a number of 64 bits: 1" + "0" * 78 + "…"),
        ({"value": "7.25"}, "value is not a number: '7.25'"),
        ({"value": True}, "value is not a number: True"),
        ({"quality_score": None}, "quality_score is not a number: None"),
        ({"metadata": {"boot_s": float("inf")}}, "metadata.boot_s is not a finite number: inf"),
        ({"metadata": {"flag": 1.7}}, "metadata.flag is not a whole number of 32 bits: 1.7"),
        ({"metadata": {"flag": True}}, "metadata.flag is not a whole number of 32 bits: True"),
        ({"metadata": {"flag": 2**31}}, "metadata.flag is not a whole number of 32 bits: 2147483648"),
        ({"metadata": {"sequence": -(2**63) - 1}}, "metadata.sequence is not a whole number of 64 bits: -92233"),
        ({"metadata": {"tests": 11111}}, "metadata.tests is not a text: 11111"),
        ({"metadata": {"tests": ["1"]}}, "metadata.tests is not what the schema asks for: ['1']"),
        ({"sensor_id": "tank-3"}, "sensor_id is not a UUID in lower case with dashes: 'tank-3'"),
        ({"sensor_id": "0" * 32}, "sensor_id is not a UUID in lower case with dashes: '000"),
        ({"metadata": {"colour": "green"}}, "metadata.colour is not in the schema"),
        ({"turbidity": 3.0}, "turbidity is not in the schema"),
    ],
)
def test_what_does_not_fit_never_gets_in(wrong: Mapping[str, Any], complaint: str) -> None:
    with pytest.raises(BreaksContract) as caught:
        ENCODERS["sensor-readings"](altered(reading(1), wrong))
    assert str(caught.value).startswith(f"sensor-readings: {complaint}")


def test_nothing_is_made_up_for_a_field_that_is_missing() -> None:
    made = record(reading(1), GATEWAY)
    body = {**made.body}
    del body["value"]
    with pytest.raises(BreaksContract, match=r"^sensor-readings: value is missing$"):
        ENCODERS[made.topic](made._replace(body=body))
    with pytest.raises(BreaksContract, match=r"^sensor-readings: metadata is not an object: None$"):
        ENCODERS[made.topic](made._replace(body={**made.body, "metadata": None}))


@pytest.mark.parametrize(
    ("topic", "wrong", "complaint"),
    [
        ("sensor-alerts", {"is_resolved": 0}, "is_resolved is not true or false: 0"),
        ("sensor-alerts", {"resolved_at": "noon"}, "resolved_at is not a time such as 2026-11-23T12:00:00Z: 'noon'"),
        ("sensor-alerts", {"resolved_at": "2026-11-23T12:00:00"}, "resolved_at is not a time such as"),
        ("sensor-alerts", {"created_at": 1.5}, "created_at is not a time such as"),
    ],
)
def test_alerts_that_do_not_fit(topic: str, wrong: Mapping[str, Any], complaint: str) -> None:
    with pytest.raises(BreaksContract) as caught:
        ENCODERS[topic](altered(change(1), wrong))
    assert str(caught.value).startswith(f"{topic}: {complaint}")


@given(st.binary(max_size=300))
def test_garbage_is_told_from_records(garbage: bytes) -> None:
    for value in (garbage, ENCODERS["gateway-health"].header + garbage):
        try:
            body = DECODERS["gateway-health"](value)
        except BreaksContract as error:
            assert str(error).startswith("gateway-health: ")
        except KeyError:
            assert int.from_bytes(value[1:5], "big") not in BY_ID
        else:
            ENCODERS["gateway-health"](made_of("gateway-health", body))


def test_a_record_cut_short_or_with_a_tail_is_no_record() -> None:
    made = record(reading(1), GATEWAY)
    value = ENCODERS[made.topic](made)
    for size in range(len(value)):
        with pytest.raises(BreaksContract):
            DECODERS[made.topic](value[:size])
    with pytest.raises(BreaksContract, match="1 bytes too many for schema"):
        DECODERS[made.topic](value + b"\x00")
    with pytest.raises(BreaksContract, match="begins with byte 0x7b, not 0x00"):
        DECODERS[made.topic](json_bytes(made.body))


def test_the_record_of_another_topic_is_none_of_this() -> None:
    value = ENCODERS["sensor-rollups"](record(rollup(1), GATEWAY))
    with pytest.raises(BreaksContract, match="cannot be read with schema"):
        DECODERS["sensor-readings"](value)


def test_a_number_that_somebody_else_left_infinite_is_refused() -> None:
    value = bytearray(ENCODERS["sensor-readings"](record(reading(1, value=1.0), GATEWAY)))
    one, infinite = b"\x00\x00\x00\x00\x00\x00\xf0\x3f", b"\x00\x00\x00\x00\x00\x00\xf0\x7f"
    assert value.count(b"\x02" + one) == 1
    with pytest.raises(BreaksContract, match="value: not a finite number: inf"):
        DECODERS["sensor-readings"](bytes(value.replace(b"\x02" + one, b"\x02" + infinite)))


def test_what_the_registry_does_not_know_is_for_the_caller_to_judge() -> None:
    def ask(schema_id: int) -> Mapping[str, Any]:
        raise UnknownSchema(f"there is no schema {schema_id}")

    with pytest.raises(UnknownSchema):
        Decoder("sensor-readings", ask)(ENCODERS["sensor-readings"](record(reading(1), GATEWAY)))


def test_a_reader_of_today_reads_yesterday_and_tomorrow() -> None:
    def version(**fields: Any) -> Mapping[str, Any]:
        kept = [field for field in schema("sensor-gaps")["fields"] if field["name"] not in fields]
        return {**schema("sensor-gaps"), "fields": kept + [{"name": n, **f} for n, f in fields.items() if f]}

    tomorrow = version(site={"type": ["null", "string"], "default": None})
    encoder = Encoder("sensor-gaps", 9)
    made = record(gap(1), GATEWAY)
    # The new field is the last one, and null is one zero byte.
    assert Decoder("sensor-gaps", {9: tomorrow}.__getitem__)(encoder(made) + b"\x00") == made.body
    assert made.time_us == NOON_US + 5
