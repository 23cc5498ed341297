"""What is news goes in by COPY, and is the same rows; anything else leaves COPY no row."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from psycopg import Connection

from agent.domain.farm import Tank
from cloud_sync.backend.ingest.batch import Batch
from cloud_sync.backend.ingest.copier import Copier
from cloud_sync.backend.ingest.records import Message
from cloud_sync.backend.ingest.records import Record as Received
from cloud_sync.contract import lines
from cloud_sync.contract.decoding import Decoder
from cloud_sync.contract.encoding import Encoder
from cloud_sync.contract.record import Record
from cloud_sync.contract.records import record
from cloud_sync.contract.schemas import schema
from cloud_sync.contract.topics import SENSOR_READINGS, SENSOR_ROLLUPS
from tests.backend.database.rows import answer, ask, write
from tests.cloud_sync.things import GATEWAY, OXYGEN, WARMTH, reading, records, rollup

STRANGE = [
    "\\N", "\\.", "\\", "a\tb", "two\nlines\r", "\x08\x0b\x7f", 'a "quote" and {braces}, \\u0000', "\u2028 \x85",
    "°C – ü 水", "nothing \0", "half \udc80", "",
]  # fmt: skip


def copied(database: Connection[Any], copier: Copier, some: Sequence[Record]) -> bool:
    """As the ingestion does it, in a transaction that goes on afterwards."""
    received = [Received(Message(0, one.seq, None, b"", None), lines.line(one.body)) for one in some]
    with database.transaction():
        done = copier.copied(database, Batch.of(SENSOR_READINGS, received, {}))
        database.execute("SELECT 1")
    return done


def strange_records() -> list[Record]:
    made = []
    for seq, text in enumerate(STRANGE, 1):
        one = record(reading(seq, value=None if seq == 1 else -seq / 3, sensor=WARMTH), GATEWAY)
        metadata = {**one.body["metadata"], "reason": text, "probe": text, "boot_s": 1e-7 * seq}
        made.append(one._replace(body={**one.body, "sensor_type": text, "metadata": metadata}))
    return [*reversed(made), *records(101, 110)]


def all_rows(database: Connection[Any]) -> list[Any]:
    return [
        ask(database, question)
        for question in (
            """SELECT time, sensor_id, tank_id, sensor_type, value, quality_score, metadata, created_at IS NOT NULL
               FROM sensor_data.readings ORDER BY time""",
            "SELECT id, tank_id, sensor_type, unit, probe, gateway, told_at FROM sensor_data.sensors ORDER BY id",
            "SELECT id, name, gateway, told_at FROM sensor_data.tanks ORDER BY id",
        )
    ]


def test_copied_readings_are_the_rows_that_the_statements_write(database: Connection[Any]) -> None:
    assert copied(database, Copier(), strange_records())
    by_copy = all_rows(database)
    database.execute("DELETE FROM sensor_data.readings; DELETE FROM sensor_data.sensors; DELETE FROM sensor_data.tanks")
    write(database, strange_records())
    assert by_copy == all_rows(database)
    assert len(by_copy[0]) == len(strange_records())


def test_two_spellings_of_a_sensor_in_one_batch_are_one_sensor(database: Connection[Any]) -> None:
    """As another producer may write them: a statement can't touch a row twice."""
    decode = Decoder(SENSOR_READINGS, lambda _: schema(SENSOR_READINGS))
    sensor = replace(OXYGEN, tank=Tank("tank-a", UUID(int=10)))
    values = [Encoder(SENSOR_READINGS, 1)(record(reading(seq, sensor=sensor), GATEWAY)) for seq in (1, 2)]
    for known in (sensor.sensor_id, sensor.tank.tank_id):
        values[1] = values[1].replace(str(known).encode(), str(known).upper().encode())
    received = [Received(Message(0, n, None, value, None), decode.line(value)) for n, value in enumerate(values)]
    assert Copier().copied(database, Batch.of(SENSOR_READINGS, received, {}))
    assert [len(rows) for rows in all_rows(database)] == [2, 1, 1]


def test_a_record_that_came_as_a_body_is_not_left_out(database: Connection[Any]) -> None:
    received = [Received(Message(0, 1, None, b"", None), record(reading(1), GATEWAY).body)]
    assert Copier().copied(database, Batch.of(SENSOR_READINGS, received, {}))
    assert answer(database, "SELECT count(*) FROM sensor_data.readings") == 1


def poor() -> Record:
    one = record(reading(60), GATEWAY)
    return one._replace(body={**one.body, "quality_score": 2.0})


@pytest.mark.parametrize("other", [records(7, 7), [*records(60, 60), *records(60, 60)], [poor()]])
def test_with_anything_but_news_nothing_is_copied_until_all_is_news_again(
    database: Connection[Any], other: list[Record]
) -> None:
    copier = Copier()
    assert copied(database, copier, records(1, 10))
    assert not copied(database, copier, [*records(11, 20), *other])
    assert answer(database, "SELECT count(*) FROM sensor_data.readings") == 10
    assert not copied(database, copier, records(11, 20)), "it may go on like that"
    copier.learn(SENSOR_ROLLUPS, True)
    assert not copied(database, copier, records(11, 20)), "that was another topic"
    copier.learn(SENSOR_READINGS, True)
    assert copied(database, copier, records(11, 20))
    assert answer(database, "SELECT count(*) FROM sensor_data.readings") == 20


def test_what_the_columnstore_has_is_no_news(timescale_database: Connection[Any]) -> None:
    database, copier = timescale_database, Copier()
    assert copied(database, copier, records(1, 10))
    database.execute("SELECT compress_chunk(c) FROM show_chunks('sensor_data.readings') c")
    assert copied(database, copier, records(11, 12))
    assert not copied(database, copier, records(5, 13))
    assert answer(database, "SELECT count(*) FROM sensor_data.readings") == 12


def test_only_readings_are_copied(database: Connection[Any]) -> None:
    one = record(rollup(1), GATEWAY)
    received = [Received(Message(0, 1, None, b"", None), one.body)]
    assert not Copier().copied(database, Batch.of(SENSOR_ROLLUPS, received, {}))
