"""What is in Kafka is in the database, and was written once: kills, two owners and restarts notwithstanding."""

import random
import time
from collections.abc import Callable
from typing import Any

from confluent_kafka import TopicPartition

from cloud_sync.contract.record import Record
from cloud_sync.contract.records import record
from tests.backend.ingest.stage import Process, Stage, until
from tests.cloud_sync.things import GATEWAY, OXYGEN, TANK, change, gap, health, reading, records, rollup
from tests.services.fixtures import OwnService
from tests.services.postgres import Postgres

ROWS = 'aqua_ingest_rows_total{topic="sensor-readings"}'
DUPLICATES = 'aqua_ingest_duplicates_total{topic="sensor-readings"}'


def test_every_topic_becomes_the_rows_that_the_contract_says(stage: Stage) -> None:
    things: list[Any] = [change(1), change(2, active=False), gap(1), rollup(1), health(1)]
    stage.send([*records(1, 2000), *(record(thing, GATEWAY) for thing in things)])
    process = stage.run()
    stage.all_read()
    assert stage.count() == 2000
    assert stage.count("sensor_data.gateway_health") == 1
    assert stage.count("sensor_data.gaps") == stage.count("sensor_data.rollups") == 1
    assert stage.ask("SELECT is_resolved FROM sensor_data.alerts") == [(True,)]
    assert stage.ask("SELECT event FROM sensor_data.alert_events ORDER BY sequence") == [("raised",), ("cleared",)]
    assert stage.ask("SELECT id, name FROM sensor_data.tanks") == [(TANK.tank_id, "tank-3")]
    until(lambda: process.metric(ROWS) == 2000, "they are counted")  # after they are there
    assert process.metric(DUPLICATES) == 0
    assert process.stop() == 0


def test_an_anomaly_that_a_gateway_found_is_in_the_topic_and_once_in_the_table(stage: Stage) -> None:
    sent = [
        odd(record(reading(seq), GATEWAY)) if seq % 50 == 0 else record(reading(seq), GATEWAY) for seq in range(500)
    ]
    begin = stage.ends("sensor-anomalies")
    stage.send(sent)
    process = stage.run()
    until(lambda: stage.count("analytics.anomalies") == 10, "all are told, and read again")
    stage.all_read()
    assert process.stop() == 0
    told = [
        one for one in stage.kafka.records("sensor-anomalies") if (one.offset() or 0) >= begin[one.partition() or 0]
    ]
    assert [one.key() for one in told] == [str(OXYGEN.sensor_id).encode()] * 10
    assert len({one.partition() for one in told}) == 1

    stage.send(sent)  # as a gateway does that lost the acknowledgement
    stage.run()
    until(lambda: sum(stage.ends("sensor-anomalies").values()) == sum(begin.values()) + 20, "told once more")
    stage.all_read()
    found = stage.ask(
        "SELECT metadata ->> 'sequence', detector, reason, sensor_type FROM analytics.anomalies ORDER BY time"
    )
    words = ("gateway:anomaly", "9 is too much", "DissolvedOxygen")
    assert found == [(str(seq), *words) for seq in range(0, 500, 50)]


def odd(one: Record) -> Record:
    metadata = {**one.body["metadata"], "tests": "1111113", "reason": "anomaly: 9 is too much"}
    return one._replace(body={**one.body, "metadata": metadata})


def test_a_kill_at_any_moment_neither_loses_nor_doubles(stage: Stage) -> None:
    stage.count_attempts(row_s=0.001)
    moments, sent, in_the_middle = random.Random(7), 0, 0
    for _ in range(5):
        stage.send(records(sent + 1, sent + 500))
        sent += 500
        process = stage.run("--batch-records", "50", "--instance", "one")
        time.sleep(moments.uniform(0.0, 0.5))
        process.kill()
        in_the_middle += stage.count() < sent
    assert in_the_middle > 1
    stage.run("--instance", "one")
    stage.all_read()
    assert stage.count() == stage.attempts() == sent


def test_instances_that_come_and_go_share_the_work_and_write_each_record_once(stage: Stage) -> None:
    stage.count_attempts()
    options = ("--batch-records", "100", "--topic", "sensor-readings")
    first = stage.run(*options)
    stage.send(records(1, 1000))
    second = stage.process(*options).start()
    stage.send(records(1001, 2000))
    until(lambda: partitions(second), "the second has a part")
    until(lambda: not partitions(first) & partitions(second), "the first has given it up")
    stage.send(records(2001, 3500))
    until(lambda: second.metric(ROWS) > 0, "the second has written something")
    first.kill()
    stage.send(records(3501, 4500))
    stage.all_read()
    assert second.stop() == 0
    assert stage.count() == stage.attempts() == 4500


def partitions(process: Process) -> set[int]:
    """Those of the readings that it has."""
    name = 'aqua_ingest_lag_records{{partition="{}",topic="sensor-readings"}}'
    return {number for number in range(3) if process.metric(name.format(number), missing=-1) >= 0}


def test_who_sets_an_offset_back_has_it_read_again_and_nothing_changes(stage: Stage) -> None:
    begins = stage.ends("sensor-readings")
    stage.send(records(1, 300))
    process = stage.run()
    stage.all_read()
    for partition, offset in begins.items():
        stage.database.execute(
            "UPDATE aqua.offsets SET next_offset = %s WHERE topic = 'sensor-readings' AND partition = %s",
            [offset, partition],
        )
    stage.send(records(301, 330))
    stage.all_read()
    until(lambda: process.metric(DUPLICATES) == 300, "it was read again")
    assert stage.count() == 330


def test_what_was_deleted_before_it_was_read_is_told(stage: Stage) -> None:
    stage.send(records(1, 300))
    ends = stage.ends("sensor-readings")
    places = [TopicPartition("sensor-readings", number, end - 10) for number, end in ends.items()]
    admin = stage.kafka.admin()
    for deleted in admin.delete_records(places).values():
        deleted.result(10)
    process = stage.run()
    stage.all_read()
    assert stage.count() == 30
    assert process.said.count("were deleted before they were read") == 3


def test_a_broker_that_dies_and_comes_back_costs_nothing(stage: Stage) -> None:
    stage.count_attempts()
    process = stage.run()
    stage.send(records(1, 500))
    stage.all_read()
    stage.kafka.kill()
    until(lambda: process.metric('aqua_ingest_state{aqua_ingest_state="waiting for Kafka"}') == 1, "it notices")
    assert process.ask("/live")[0] == 200
    stage.kafka.start()
    stage.send(records(501, 1000))
    stage.all_read()
    until(lambda: process.metric('aqua_ingest_state{aqua_ingest_state="reading"}') == 1, "it reads again")
    assert stage.count() == stage.attempts() == 1000


def test_a_database_that_is_stopped_and_comes_back_costs_nothing(
    own_service: OwnService[Postgres], make_stage: Callable[..., Stage]
) -> None:
    postgres = own_service(Postgres)
    stage = make_stage(postgres.dsn)
    stage.count_attempts()
    process = stage.run("--batch-records", "200")
    stage.send(records(1, 500))
    stage.all_read()
    stage.database.close()
    postgres.stop()
    stage.send([*records(501, 3000), record(change(1), GATEWAY)])
    until(lambda: process.metric('aqua_ingest_state{aqua_ingest_state="waiting for the database"}') == 1, "it notices")
    assert process.ask("/ready")[0] == 503
    assert process.ask("/live")[0] == 200
    postgres.start()
    stage.connect()
    stage.all_read()
    until(process.is_ready, "it is ready again")
    assert stage.count() == stage.attempts() == 3000
    assert stage.dead_letters() == []
    told = [line for line in process.said.splitlines() if "WARNING" in line]
    assert 1 <= len(told) <= 4, f"changes only: {told}"


def test_it_stops_in_time_even_when_the_database_hangs(
    own_service: OwnService[Postgres], make_stage: Callable[..., Stage]
) -> None:
    postgres = own_service(Postgres)
    stage = make_stage(postgres.dsn)
    process = stage.run()
    postgres.pause()
    stage.send(records(1, 100))
    time.sleep(0.5)  # so that it is about to write
    assert process.stop(within_s=20.0) == 0, "which never answers"
    postgres.resume()
    stage.run()
    stage.all_read()
    assert stage.count() == 100
