"""Lines are another way to write bodies, and the quick way to them is the same as the long one."""

import io
import json
import math
import struct
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_sync.contract import lines
from cloud_sync.contract.anomalies import anomalies
from cloud_sync.contract.decoding import Decoder
from cloud_sync.contract.encoding import Encoder
from cloud_sync.contract.errors import BreaksContract
from cloud_sync.contract.jsontext import json_bytes
from cloud_sync.contract.line_reader import LineReader, Unusual
from cloud_sync.contract.records import record
from cloud_sync.contract.schemas import Schema, published, schema, without_logical_types
from cloud_sync.contract.storable import clean
from cloud_sync.contract.topics import SENSOR_READINGS, SENSOR_ROLLUPS
from tests.cloud_sync.anything import gateways, made_of, of_schema, readings
from tests.cloud_sync.things import GATEWAY, OXYGEN, WARMTH, reading

OURS = schema(SENSOR_READINGS)
ENCODE = Encoder(SENSOR_READINGS, 1)
DECODER = Decoder(SENSOR_READINGS, lambda _: OURS)
READER = LineReader(OURS)  # one for all examples, so that it knows sensors
JUST_ONE = ENCODE(record(reading(1), GATEWAY))

bodies = of_schema(OURS) | st.builds(record, readings, gateways).map(lambda made: json.loads(json_bytes(made.body)))


def encoded(body: Mapping[str, Any]) -> bytes:
    return ENCODE(made_of(SENSOR_READINGS, body))


def the_long_way(value: bytes) -> str:
    return lines.line(DECODER(value))


@given(bodies, st.data())
def test_the_quick_reader_makes_the_same_lines_while_any_field_changes(
    body: dict[str, Any], data: st.DataObject
) -> None:
    for _ in range(data.draw(st.integers(1, 6))):
        value = encoded(body)
        line = DECODER.line(value)
        assert line == the_long_way(value)
        try:
            assert READER(value) == line
        except Unusual:
            texts = [text for text in (*body.values(), *body["metadata"].values()) if isinstance(text, str)]
            assert not all(map(str.isprintable, texts)), "what gateways write is not unusual"
        other, name = data.draw(bodies), data.draw(st.sampled_from([*body, *body["metadata"]]))
        body = deepcopy(body)
        if name in body:
            body[name] = other[name]
        else:
            body["metadata"][name] = other["metadata"][name]


@given(bodies, st.data())
def test_what_the_quick_reader_takes_is_right(body: dict[str, Any], data: st.DataObject) -> None:
    """Bytes that somebody has changed: it leaves them to the decoder, or says what the decoder says."""
    value = bytearray(encoded(body))
    if data.draw(st.booleans(), "the reader knows the sensor"):
        _line_or_none(bytes(value))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(5, len(value)))
        value[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    if (line := _line_or_none(bytes(value))) is not None:
        assert line == the_long_way(bytes(value))
    # and what was wrong has left nothing behind
    assert READER(JUST_ONE) == the_long_way(JUST_ONE)


def _line_or_none(value: bytes) -> str | None:
    try:
        return READER(value)
    except Unusual:
        return None


@given(st.binary(max_size=200))
def test_garbage_is_no_line(garbage: bytes) -> None:
    value = JUST_ONE[:5] + garbage
    try:
        expected = the_long_way(value)
    except BreaksContract:
        with pytest.raises(BreaksContract):
            DECODER.line(value)
    else:
        assert DECODER.line(value) == expected


_SEVEN = b"\x02" + struct.pack("<d", 7.25)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        pytest.param(_SEVEN, b"\x02" + struct.pack("<d", math.inf), id="infinite"),
        pytest.param(_SEVEN, b"\x02" + struct.pack("<d", math.nan), id="not a number"),
        pytest.param(_SEVEN, b"\x04" + _SEVEN[1:], id="no such branch of a union"),
        pytest.param(b"\x1eDissolvedOxygen", b"\x1dDissolvedOxygen", id="a text of less than nothing"),
        pytest.param(b"\x0eepoch-a", b"\x7eepoch-a", id="a text longer than all"),
        pytest.param(b"\x0eepoch-a\x02", b"\x0eepoch-a" + b"\xff" * 10 + b"\x01", id="a number of 71 bits"),
        pytest.param(b"\x0eepoch-a", b"\x0eepoch-\xff", id="no UTF-8"),
        pytest.param(b"\x0eepoch-a", b"\x0eepoch-\0", id="what is not printable"),
    ],
)
def test_what_is_unusual_is_for_the_decoder_to_judge(right: bytes, wrong: bytes) -> None:
    assert JUST_ONE.count(right) == 1
    value = JUST_ONE.replace(right, wrong)
    READER(JUST_ONE)
    with pytest.raises(Unusual):
        READER(value)
    assert outcome(DECODER.line, value) == outcome(the_long_way, value)


def outcome(read: Callable[[bytes], str], value: bytes) -> str:
    try:
        return read(value)
    except BreaksContract as error:
        return str(error)


def test_what_is_cut_short_or_too_long_is_refused_as_ever() -> None:
    for value in (*(JUST_ONE[:size] for size in range(len(JUST_ONE))), JUST_ONE + b"\0"):
        DECODER.line(JUST_ONE)
        with pytest.raises(BreaksContract):
            DECODER.line(value)


@given(bodies)
def test_a_body_comes_back_from_its_line(body: dict[str, Any]) -> None:
    stored = clean(body)
    line = lines.line(body)
    assert line == lines.line(stored)
    assert lines.body(line) == stored
    assert lines.time_of(line) == body["time"]
    assert lines.is_suspected(line) or not list(anomalies([body]))


@pytest.mark.parametrize("version", dict(published(SENSOR_READINGS)).values())
def test_gateways_of_every_version_are_read_quickly(version: Schema) -> None:
    decoder = Decoder(SENSOR_READINGS, lambda _: version)
    body = decoder(JUST_ONE)
    assert decoder.line(JUST_ONE) == lines.line(body) == the_long_way(JUST_ONE)
    assert decoder._lines == {JUST_ONE[:5]: decoder._line_reader}


def _moved(avro: Any) -> None:
    avro["fields"] = [*avro["fields"][1:], avro["fields"][0]]


def _more(avro: Any) -> None:
    avro["fields"].insert(2, {"name": "site", "type": ["null", "string"], "default": None})


def _narrower(avro: Any) -> None:
    next(field for field in avro["fields"] if field["name"] == "quality_score")["type"] = "float"


def test_both_spellings_of_a_uuid_are_one_and_what_is_none_is_refused() -> None:
    ours = str(OXYGEN.sensor_id).encode()
    theirs = JUST_ONE.replace(ours, ours.upper())
    assert theirs != JUST_ONE
    assert DECODER.line(theirs) == the_long_way(theirs) == DECODER.line(JUST_ONE)
    for wrong in (b"g" + ours[1:], b"{" + ours[2:] + b"}", ours.replace(b"-", b"0")):
        with pytest.raises(BreaksContract, match="sensor_id: not a UUID with dashes"):
            DECODER.line(JUST_ONE.replace(ours, wrong))


@pytest.mark.parametrize("change", [_moved, _more, _narrower])
@given(body=bodies)
def test_a_writer_with_another_schema_has_the_same_lines(change: Any, body: dict[str, Any]) -> None:
    """By way of the general decoder; fastavro writes what our encoder can't."""
    theirs = deepcopy(without_logical_types(OURS))
    change(theirs)
    us = made_of(SENSOR_READINGS, body).time_us
    body = {**clean(body), "quality_score": 0.5}
    out = io.BytesIO()
    fastavro.schemaless_writer(out, theirs, {**body, "time": us, "site": "pond"})
    decoder = Decoder(SENSOR_READINGS, lambda _: theirs)
    assert lines.body(decoder.line(b"\0\0\0\0\2" + out.getvalue())) == body
    assert decoder._lines == {}


def test_lines_are_written_in_the_order_of_their_keys_and_the_newest_tells_of_its_sensor() -> None:
    def line(seq: int, sensor: Any) -> str:
        return lines.line(record(reading(seq, sensor=sensor), GATEWAY).body)

    ordered = lines.in_order([line(3, WARMTH), line(2, OXYGEN), line(1, WARMTH), line(4, OXYGEN)])
    assert ordered == [line(2, OXYGEN), line(4, OXYGEN), line(1, WARMTH), line(3, WARMTH)]
    assert lines.newest(ordered) == [line(4, OXYGEN), line(3, WARMTH)]


def test_a_reading_that_no_check_suspects_is_told_from_others() -> None:
    body = dict(record(reading(1), GATEWAY).body)
    for tests, suspected in (("11111", False), ("", False), ("11211911111113", True), ("4", True), ('a"3', True)):
        body["metadata"] = {**body["metadata"], "tests": tests, "reason": '3 and 4: "tests":"34"'}
        assert lines.is_suspected(lines.line(body)) is suspected


def test_there_are_lines_for_readings_alone() -> None:
    assert list(lines.COPY) == [SENSOR_READINGS]
    with pytest.raises(KeyError):
        LineReader(schema(SENSOR_ROLLUPS))
