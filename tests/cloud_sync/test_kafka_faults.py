"""The Kafka sink on librdkafka's own mock brokers, which fail as they are told."""

import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from itertools import chain
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from agent.domain.errors import SinkMisconfigured, SinkUnavailable
from cloud_sync.contract.record import Record
from cloud_sync.contract.records import record
from cloud_sync.contract.registry import Registry
from cloud_sync.contract.topics import SENSOR_READINGS
from cloud_sync.uplink.forwarder import Forwarder
from cloud_sync.uplink.interfaces import BatchRefused, BatchTooLarge, Delivery, TooSlow
from cloud_sync.uplink.kafka import KafkaSink
from tests.cloud_sync.scripted import Drained, JumpingClock, MemoryBacklog
from tests.cloud_sync.things import GATEWAY, OXYGEN, change, reading, records
from tests.services.mock_kafka import MockKafka, Request
from tests.services.registry import Registry as RegistryService

Open = Callable[..., Any]


@pytest_asyncio.fixture
async def sink(mock_kafka: MockKafka, registry: RegistryService) -> AsyncIterator[KafkaSink]:
    with Registry(Registry.Settings(registry.url)) as client:
        client.register(SENSOR_READINGS)
    mock_kafka.topic(SENSOR_READINGS, partitions=4)
    sink = KafkaSink(
        KafkaSink.Settings(bootstrap_servers=mock_kafka.bootstrap, registry_url=registry.url, tls=False, timeout_s=1.5),
        GATEWAY,
    )
    await sink.open()
    yield sink
    await sink.close()


# Two keys that belong into different ones of four partitions.
_SENSORS = (OXYGEN, replace(OXYGEN, sensor_id=UUID(int=40)))


def written(mock: MockKafka) -> list[tuple[int, int]]:
    """Partition and sequence number, by partition and offset."""
    reader = Consumer(
        {"bootstrap.servers": mock.bootstrap, "group.id": "nobody", "enable.auto.commit": False, "log_level": 0}
    )
    partitions = [TopicPartition(SENSOR_READINGS, partition, 0) for partition in range(4)]
    left = sum(reader.get_watermark_offsets(partition, 10)[1] for partition in partitions)
    reader.assign(partitions)
    found: list[Message] = []
    deadline = time.monotonic() + 10
    while len(found) < left:
        assert time.monotonic() < deadline
        found += reader.consume(left, timeout=0.1)
    reader.close()
    places = sorted(
        (m.partition() or 0, m.offset() or 0, int(dict(m.headers() or [])["sequence"] or b"")) for m in found
    )
    return [(partition, sequence) for partition, _, sequence in places]


def of_two_sensors(first: int, last: int) -> list[Record]:
    """Their keys belong into different partitions."""
    return [record(reading(seq, sensor=_SENSORS[seq % 2]), GATEWAY) for seq in range(first, last + 1)]


@pytest.mark.parametrize(
    "codes",
    [
        [KafkaError.NOT_LEADER_FOR_PARTITION], [KafkaError.REQUEST_TIMED_OUT], [KafkaError.LEADER_NOT_AVAILABLE],
        [KafkaError.NOT_ENOUGH_REPLICAS], [KafkaError._TRANSPORT], [KafkaError.REQUEST_TIMED_OUT] * 2,
        [KafkaError._TRANSPORT, KafkaError.NOT_LEADER_FOR_PARTITION],
    ],
)  # fmt: skip
async def test_what_passes_by_itself_is_sat_out_without_a_duplicate(
    mock_kafka: MockKafka, sink: KafkaSink, codes: list[int]
) -> None:
    mock_kafka.fail(Request.PRODUCE, *codes)
    assert await sink.send(records(1, 50)) == Delivery()
    assert [sequence for _, sequence in written(mock_kafka)] == list(range(1, 51))


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (KafkaError.MSG_SIZE_TOO_LARGE, BatchTooLarge), (KafkaError.RECORD_LIST_TOO_LARGE, BatchTooLarge),
        (KafkaError.INVALID_RECORD, BatchRefused),
    ],
)  # fmt: skip
async def test_a_refusal_of_records_leaves_the_connection_as_it_is(
    mock_kafka: MockKafka, sink: KafkaSink, code: int, outcome: type[Exception]
) -> None:
    mock_kafka.fail(Request.PRODUCE, code)
    with pytest.raises(outcome):
        await sink.send(records(1, 3))
    writer = sink._writer
    assert await sink.send(records(1, 3)) == Delivery()
    assert sink._writer is writer is not None


async def test_a_topic_that_is_forbidden_refuses_by_name_and_heals(mock_kafka: MockKafka, sink: KafkaSink) -> None:
    mock_kafka.topic_error(SENSOR_READINGS, KafkaError.TOPIC_AUTHORIZATION_FAILED)
    mock_kafka.fail(Request.PRODUCE, KafkaError.TOPIC_AUTHORIZATION_FAILED)
    delivery = await sink.send(records(1, 3))
    assert [rejection.seq for rejection in delivery.rejected] == [1, 2, 3]
    assert "sensor-readings: Broker: Topic authorization failed" in delivery.rejected[0].because
    mock_kafka.topic_error(SENSOR_READINGS, KafkaError.NO_ERROR)
    await sink.open()
    assert await sink.send(records(1, 3)) == Delivery()


async def test_forbidden_to_write_idempotently_needs_a_person(mock_kafka: MockKafka, sink: KafkaSink) -> None:
    mock_kafka.fail(Request.INIT_PRODUCER_ID, *[KafkaError.CLUSTER_AUTHORIZATION_FAILED] * 5)
    await sink.open()
    with pytest.raises(SinkMisconfigured, match="Cluster authorization failed"):
        await sink.send(records(1, 3))


async def test_brokers_that_are_down_are_an_outage_that_says_why(mock_kafka: MockKafka, sink: KafkaSink) -> None:
    for broker in (1, 2, 3):
        mock_kafka.down(broker)
    with pytest.raises(SinkUnavailable, match=r"no report within 1.5 s: .*(Connection refused|brokers are down)"):
        await sink.send(records(1, 3))
    with pytest.raises(SinkUnavailable, match=r"Kafka at 127\.0\.0\.1"):
        await sink.open()
    for broker in (1, 2, 3):
        mock_kafka.up(broker)
    await sink.open()
    assert await sink.send(records(1, 3)) == Delivery()


async def test_too_slow_asks_for_smaller_batches_and_leaves_nothing_behind(
    mock_kafka: MockKafka, sink: KafkaSink
) -> None:
    assert await sink.send(records(1, 3)) == Delivery()
    for broker in (1, 2, 3):
        mock_kafka.rtt(4000, broker)
    with pytest.raises(TooSlow):
        await sink.send(records(4, 6))
    assert sink._writer is None
    for broker in (1, 2, 3):
        mock_kafka.rtt(0, broker)
    await sink.open()
    assert await sink.send(records(4, 6)) == Delivery()
    first_time = list(dict.fromkeys(sequence for _, sequence in written(mock_kafka)))
    assert first_time == [1, 2, 3, 4, 5, 6]


async def test_a_partition_whose_leader_is_away_doubles_nothing_in_the_others(
    mock_kafka: MockKafka, sink: KafkaSink
) -> None:
    batch = of_two_sensors(1, 20)
    assert await sink.send(batch) == Delivery()
    of = {sequence: partition for partition, sequence in written(mock_kafka)}
    assert of[1] != of[2]
    mock_kafka.leader(SENSOR_READINGS, of[1], 1)
    mock_kafka.leader(SENSOR_READINGS, of[2], 2)
    mock_kafka.down(2)
    more = of_two_sensors(21, 40)
    for _ in range(2):
        delivery = await sink.send(more)
        assert delivery.keep_from == 22 and "no report within" in delivery.because
    mock_kafka.up(2)
    assert await sink.send(more[1:]) == Delivery()
    times = Counter(sequence for _, sequence in written(mock_kafka))
    assert times == Counter(range(1, 41))


async def test_order_and_completeness_through_faults_of_every_kind(mock_kafka: MockKafka, sink: KafkaSink) -> None:
    """Of each sensor the first arrival of each reading is in order, whatever came between."""
    clock = JumpingClock()
    backlog = MemoryBacklog(clock, [reading(seq, sensor=_SENSORS[seq % 2]) for seq in range(1, 401)])
    faults = iter([
        [KafkaError._TRANSPORT], [KafkaError.REQUEST_TIMED_OUT, KafkaError._TRANSPORT], [KafkaError.MSG_SIZE_TOO_LARGE],
        [KafkaError.NOT_ENOUGH_REPLICAS_AFTER_APPEND], [KafkaError.INVALID_RECORD],
        [KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER], [KafkaError.UNKNOWN_PRODUCER_ID], [KafkaError.KAFKA_STORAGE_ERROR],
    ])  # fmt: skip
    take = backlog.take

    async def take_and_fail(*arguments: Any, **named: Any) -> Any:
        mock_kafka.fail(Request.PRODUCE, *next(faults, []))
        return await take(*arguments, **named)

    backlog.take = take_and_fail  # type: ignore[method-assign]
    small = KafkaSink(
        KafkaSink.Settings(
            bootstrap_servers=mock_kafka.bootstrap,
            registry_url=sink._settings.registry_url,
            tls=False,
            batch=20,
            timeout_s=1.5,
            linger_s=0,
        ),
        GATEWAY,
    )
    with pytest.raises(Drained):
        await Forwarder("sink", small, backlog, GATEWAY, clock).run()
    assert backlog.dead == []
    partitions: dict[int, list[int]] = {}
    for partition, sequence in dict.fromkeys(written(mock_kafka)):
        partitions.setdefault(partition, []).append(sequence)
    assert all(sequences == sorted(sequences) for sequences in partitions.values())
    assert sorted(chain(*partitions.values())) == list(range(1, 401))


async def test_headers_say_where_a_record_is_from(mock_kafka: MockKafka, sink: KafkaSink) -> None:
    await sink.send(records(6, 6))
    packed = sink._packed(records(7, 7))
    assert packed.data[0].headers == [("gateway", GATEWAY), ("epoch", "epoch-a"), ("sequence", "7")]
    assert packed.data[0].key == str(OXYGEN.sensor_id)


async def test_a_record_that_breaks_the_contract_is_named(mock_kafka: MockKafka, sink: KafkaSink) -> None:
    batch = records(1, 3)
    batch[1] = batch[1]._replace(body={**batch[1].body, "value": "warm"})
    await sink.send(records(4, 4))
    delivery = await sink.send(batch)
    assert [(one.seq, one.because) for one in delivery.rejected] == [
        (2, "sensor-readings: value is not a number: 'warm'")
    ]
    assert [sequence for _, sequence in written(mock_kafka)] == [4, 1, 3]


async def test_a_topic_whose_schema_nobody_registered_holds_up_no_other(
    mock_kafka: MockKafka, sink: KafkaSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloud_sync.contract.registry.subject", lambda topic: f"nobody-has-{topic}")
    delivery = await sink.send([record(change(1), GATEWAY)])
    assert "aqua-backend schemas register" in delivery.rejected[0].because
    monkeypatch.undo()
    assert await sink.send(records(1, 3)) == Delivery()


async def test_a_registry_that_is_away_keeps_everything(mock_kafka: MockKafka) -> None:
    sink = KafkaSink(
        KafkaSink.Settings(bootstrap_servers=mock_kafka.bootstrap, registry_url="http://127.0.0.1:1/", tls=False),
        GATEWAY,
    )
    await sink.open()
    with pytest.raises(
        SinkUnavailable, match=r"the schema registry: http://127\.0\.0\.1:1: POST /subjects/sensor-readings-value"
    ):
        await sink.send(records(1, 3))
    await sink.close()


async def test_the_client_library_writes_nothing_to_the_terminal(
    mock_kafka: MockKafka, sink: KafkaSink, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "cloud_sync.uplink.kafka_writer")
    for broker in (1, 2, 3):
        mock_kafka.down(broker)
    with pytest.raises(SinkUnavailable):
        await sink.send(records(1, 3))
    with pytest.raises(SinkUnavailable):
        await sink.open()
    assert capfd.readouterr().err == ""
    assert any("Connection refused" in message for message in caplog.messages)
    assert {log_record.levelno for log_record in caplog.records} == {logging.DEBUG}


async def test_what_went_over_the_line_is_counted_and_compressed(mock_kafka: MockKafka, sink: KafkaSink) -> None:
    guessed = (await sink.send(records(1, 1000))).sent_bytes
    deadline = time.monotonic() + 15
    while (counted := (await sink.send(records(1, 1000))).sent_bytes) == guessed:
        assert time.monotonic() < deadline, "librdkafka has counted nothing"
    assert 5_000 < counted < 60_000
