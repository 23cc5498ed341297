"""Strategies: anything that the gateway may have to tell, and any body that fits a schema."""

import string
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from agent.domain.alarm import Alarm, AlarmChange, AlarmKind, AlarmState, Event, Priority, Standing
from agent.domain.clock import Instant
from agent.domain.farm import Sensor, Tank
from agent.domain.gateway_health import GatewayHealth, MachineHealth, SinkHealth, StoreHealth
from agent.domain.quantity import Quantity
from agent.domain.reading import CheckedReading, Flag, Gap, Reading, Rollup, StoredReading
from cloud_sync.contract.record import Record
from cloud_sync.contract.records import record
from cloud_sync.contract.timestamps import iso_utc

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_US, _LAST_US = (
    round((datetime(year, month, day, tzinfo=UTC) - _EPOCH).total_seconds()) * 1_000_000
    for year, month, day in ((1, 1, 1), (9999, 12, 31))
)

texts = st.text(max_size=20)
times_us = st.integers(_FIRST_US, _LAST_US)
numbers = st.floats()
finite = st.floats(allow_nan=False, allow_infinity=False)
longs = st.integers(-(2**63), 2**63 - 1)
sensors = st.builds(
    Sensor, st.uuids(), st.builds(Tank, texts, st.uuids()), texts, texts, st.sampled_from(Quantity), st.none()
)
instants = st.builds(Instant, times_us, finite, texts, st.booleans(), st.booleans())
flags = st.sampled_from(Flag)
readings = st.builds(
    StoredReading,
    longs,
    st.builds(
        CheckedReading,
        st.builds(Reading, sensors, instants, st.none() | numbers, st.none() | texts),
        flags, numbers, texts, st.none() | texts,
    ),
    texts,
)  # fmt: skip
values = st.none() | numbers
kinds, priorities = st.sampled_from(AlarmKind), st.sampled_from(Priority)
alarms = st.builds(Alarm, sensors, kinds, priorities, values, numbers, numbers, numbers)


@st.composite
def changes(draw: st.DrawFn) -> AlarmChange:
    at = draw(instants)
    until_s = at.boot_s + draw(st.floats(0, 86_400)) if at.utc_us < _LAST_US - 86_400_000_000 else None
    state, event = draw(st.sampled_from(AlarmState)), draw(st.sampled_from(Event))
    standing = Standing(state, draw(st.booleans()), draw(longs), draw(texts), until_s=until_s)
    by, reason = draw(st.none() | texts), draw(st.none() | texts)
    return AlarmChange(
        draw(longs), draw(alarms), event, standing, at, draw(values), draw(flags), draw(texts), by, reason
    )


gaps = st.builds(Gap, longs, texts, longs, longs, times_us, times_us, st.none() | longs, texts, texts)
rollups = st.builds(
    Rollup, longs, sensors, times_us, st.booleans(), longs, longs, longs, longs, values, values, values, flags, numbers,
    texts,
)  # fmt: skip
healths = st.builds(
    GatewayHealth, longs, instants, texts, finite, values, longs,
    st.builds(StoreHealth, texts, st.none() | texts, *[st.none() | longs] * 3, values),
    st.lists(
        st.builds(SinkHealth, texts, texts, values, st.none() | longs, longs, longs, st.none() | texts), max_size=3
    ).map(tuple),
    st.builds(MachineHealth, st.none() | longs, values, st.none() | longs, st.none() | longs, values),
)  # fmt: skip
gateways = st.text(string.printable, max_size=10)
gateway_records = st.builds(record, readings | changes() | gaps | rollups | healths, gateways)

_OF_TYPE: Mapping[Any, st.SearchStrategy[Any]] = {
    "boolean": st.booleans(),
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": longs,
    "double": finite,
    "string": texts,
    "bytes": st.binary(max_size=20),
    "timestamp-micros": times_us.map(iso_utc),
    "uuid": st.uuids().map(str),
}


def of_schema(avro: Any) -> st.SearchStrategy[Any]:
    """Anything that may stand in a body where the schema says `avro`."""
    if isinstance(avro, list):
        return st.none() | of_schema(avro[1])
    if isinstance(avro, str):
        return _OF_TYPE[avro]
    if avro["type"] == "record":
        return st.fixed_dictionaries({field["name"]: of_schema(field["type"]) for field in avro["fields"]})
    if avro["type"] == "array":
        return st.lists(of_schema(avro["items"]), max_size=3)
    return _OF_TYPE[avro["logicalType"]]


def made_of(topic: str, body: Mapping[str, Any]) -> Record:
    """A record with that body."""
    time = datetime.fromisoformat(body["time"]) - _EPOCH
    return Record(1, topic, "key", (time.days * 86_400 + time.seconds) * 1_000_000 + time.microseconds, body)
