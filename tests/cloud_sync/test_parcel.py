"""What comes out of a parcel is what went in, and a sensor goes over once."""

import pickle
from collections.abc import Sequence
from io import BytesIO

from hypothesis import given
from hypothesis import strategies as st

from agent.domain.clock import Instant
from agent.domain.farm import Sensor
from agent.domain.reading import CheckedReading, Flag, Reading, StoredReading
from cloud_sync.contract.jsontext import json_bytes
from cloud_sync.contract.record import Record
from cloud_sync.contract.records import reading_record
from cloud_sync.uplink.parcel import Unwrapping, Wrapping
from tests.cloud_sync.things import GATEWAY, OXYGEN, WARMTH, records

values = st.none() | st.floats() | st.integers(-5, 5)
texts = st.none() | st.text(max_size=8)
instants = st.builds(Instant, st.integers(0, 2**52), st.floats(0, 1e9), st.sampled_from(["a", "b"]), st.booleans())
readings = st.builds(Reading, st.sampled_from([OXYGEN, WARMTH]), instants, values, texts, st.booleans())
checked = st.builds(
    CheckedReading, readings, st.sampled_from(Flag), st.floats(0, 1), st.sampled_from(["", "12"]), texts
)
stored = st.builds(StoredReading, st.integers(1, 2**40), checked, st.sampled_from(["e1", "e2"]))


def plain(record: Record) -> tuple[object, ...]:
    """Sensors are compared by identity, and those that went over are others."""
    body = record.body.made() if hasattr(record.body, "made") else record.body
    return record.seq, record.topic, record.key, record.time_us, repr(body)


def there(wrapping: Wrapping, unwrapping: Unwrapping, batch: Sequence[Record]) -> list[Record]:
    return unwrapping(BytesIO(wrapping(batch)))


@given(st.lists(st.lists(stored, min_size=1, max_size=5), max_size=4))
def test_what_goes_in_comes_out(batches: list[list[StoredReading]]) -> None:
    wrapping, unwrapping = Wrapping(), Unwrapping()
    for entries in batches:
        batch = [reading_record(entry, GATEWAY) for entry in entries]
        assert [plain(one) for one in there(wrapping, unwrapping, batch)] == [plain(one) for one in batch]


def test_a_sensor_goes_over_once_and_is_one_object_from_then_on() -> None:
    wrapping, unwrapping = Wrapping(), Unwrapping()
    first, later = there(wrapping, unwrapping, records(1, 2)), there(wrapping, unwrapping, records(3, 4))
    (sensor,) = {id(_sensor(record)) for record in (*first, *later)}
    assert sensor == id(_sensor(first[0]))
    _, new, _ = pickle.loads(wrapping(records(5, 6)))  # noqa: S301
    assert new == []


def test_what_is_no_plain_reading_goes_as_it_is() -> None:
    wrapping, unwrapping = Wrapping(), Unwrapping()
    letter = records(1, 1)[0]._replace(seq=99)  # a dead letter's own number
    other = Record(3, "sensor-gaps", "gw", 5, {"time": "x"})
    came = there(wrapping, unwrapping, [letter, other])
    assert [record.seq for record in came] == [99, 3]
    assert [json_bytes(record.body) for record in came] == [json_bytes(letter.body), json_bytes(other.body)]


def _sensor(record: Record) -> Sensor:
    sensor: Sensor = record.body.stored.checked.reading.sensor  # type: ignore[attr-defined]
    return sensor
