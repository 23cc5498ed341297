"""A record becomes the same rows whether its body came as JSON or as Avro."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cloud_sync.contract.decoding import Decoder
from cloud_sync.contract.encoding import Encoder
from cloud_sync.contract.jsontext import json_bytes
from cloud_sync.contract.record import Record
from cloud_sync.contract.rows import TOPICS, statements
from cloud_sync.contract.schemas import schema
from tests.cloud_sync.anything import gateway_records, made_of, of_schema

anomalies = of_schema(schema("sensor-anomalies")).map(lambda body: made_of("sensor-anomalies", body))


@given(gateway_records | anomalies)
def test_avro_and_json_make_the_same_rows(record: Record) -> None:
    from_json = json.loads(json_bytes(record.body))
    from_avro = Decoder(record.topic, lambda _: schema(record.topic))(Encoder(record.topic, 1)(record))
    assert rows(record.topic, from_avro) == rows(record.topic, from_json)


@given(st.data())
def test_every_topic_with_a_table_has_its_rows_of_any_body_that_fits(data: st.DataObject) -> None:
    for topic in TOPICS:
        bodies = [data.draw(of_schema(schema(topic))) for _ in range(2)]
        for text, columns in statements(topic, bodies):
            assert text.count("%s") == len(columns)


def rows(topic: str, body: Any) -> list[Any]:
    """Statements with what is JSON in them read, since its fields have no order."""
    return [(text, [*map(plain, columns)]) for text, columns in statements(topic, [body])]


def plain(column: str) -> Any:
    return json.loads(column) if column.startswith("[") else column
