"""What puts readings together from pieces writes the very bytes that the general writers do, and refuses the same."""

from collections.abc import Callable, Sequence
from math import nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.domain.clock import Instant
from agent.domain.reading import CheckedReading, Flag, Reading, StoredReading
from cloud_sync.contract.encoding import Encoder
from cloud_sync.contract.errors import BreaksContract
from cloud_sync.contract.jsontext import json_bytes
from cloud_sync.contract.reading_body import ReadingBody
from cloud_sync.contract.reading_writer import FIELDS
from cloud_sync.contract.record import Record, identity
from cloud_sync.contract.records import record
from cloud_sync.contract.schemas import schema
from tests.cloud_sync.anything import gateways, instants, longs, readings, sensors, texts, times_us
from tests.cloud_sync.things import GATEWAY, NOON_US, OXYGEN, WARMTH, reading

ENCODE = Encoder("sensor-readings", 7)
Write = Callable[[Record], bytes]

# Few of each, so that pieces are used again; some of no type that the contract knows, and some that only seem equal.
odd = st.sampled_from([True, False, 0, 1, 0.0, -0.0, 1.0, 0.5, nan, 10**400, "0.5"])


def few(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.shared(st.lists(strategy, min_size=1, max_size=3), key=repr(strategy)).flatmap(st.sampled_from)


alike = st.builds(
    StoredReading,
    longs | st.integers(1, 2**62) | st.sampled_from([2**63, 63, 64]),
    st.builds(
        CheckedReading,
        st.builds(
            Reading,
            st.sampled_from([OXYGEN, WARMTH]) | few(sensors),
            few(instants) | st.builds(Instant, times_us, odd, texts, st.booleans(), st.booleans()),
            st.none() | st.floats() | odd,
            st.none() | few(texts),
        ),
        st.sampled_from(Flag) | st.sampled_from([1, 2**31]),
        odd | st.floats(),
        few(texts) | st.sampled_from([11111, None]),
        st.none() | few(texts) | st.sampled_from([7]),
    ),
    few(texts),
)  # fmt: skip


def json_of(made: Record) -> bytes:
    return json_bytes(made.body)


def outcome(write: Write, made: Record) -> bytes | str:
    try:
        return write(made)
    except (BreaksContract, ValueError) as error:
        return f"{type(error).__name__}: {error}"


@pytest.mark.parametrize("write", [ENCODE, json_of], ids=["avro", "json"])
@given(st.lists(alike | readings, min_size=1, max_size=8), few(gateways))
def test_readings_are_written_as_their_bodies_are(write: Write, stored: Sequence[Any], gateway: str) -> None:
    for one in stored:
        try:
            made = record(one, gateway)
        except (TypeError, OverflowError) as error:
            with pytest.raises(type(error)):
                ReadingBody(one, gateway).made()
        else:
            assert outcome(write, made) == outcome(write, made._replace(body=ReadingBody(one, gateway).made()))


def test_fields_are_those_of_the_schema_in_its_order() -> None:
    fields = {field["name"]: field["type"] for field in schema("sensor-readings")["fields"]}
    assert [*fields, *(field["name"] for field in fields.pop("metadata")["fields"])] == [
        *FIELDS[:6], "metadata", *FIELDS[6:],
    ]  # fmt: skip


def test_most_readings_are_written_without_a_body(monkeypatch: pytest.MonkeyPatch) -> None:
    made = [record(reading(seq, value=value), GATEWAY) for seq, value in enumerate((7.25, None, 8.0), 1)]
    monkeypatch.setattr(ReadingBody, "made", lambda self: pytest.fail("it was made"))
    for one in made:
        assert ENCODE(one) and json_of(one)


def test_a_body_reads_like_a_dictionary() -> None:
    body = record(reading(3), GATEWAY).body
    assert body == ReadingBody(reading(3), GATEWAY).made()
    assert len(body) == 7 and list(body) == [*FIELDS[:6], "metadata"]
    assert identity(body) == (str(OXYGEN.sensor_id), "2026-11-23T12:00:00.003000Z", "epoch-a", 3)
    assert identity(dict(body)) == identity(body)


def test_a_time_without_a_text_is_told_at_once() -> None:
    first_us, end_us = -62_135_596_800_000_000, 253_402_300_800_000_000
    for utc_us in (first_us, end_us - 1):
        assert len(record(reading(1, utc_us=utc_us), GATEWAY).body["time"]) == 27
    for utc_us in (first_us - 1, end_us, NOON_US * 10**6):
        with pytest.raises(OverflowError):
            record(reading(1, utc_us=utc_us), GATEWAY)


def test_a_misfit_is_named_as_ever() -> None:
    with pytest.raises(BreaksContract, match=r"^sensor-readings: metadata\.sequence is not a whole number of 64 bits"):
        ENCODE(record(reading(2**63, NOON_US), GATEWAY))
