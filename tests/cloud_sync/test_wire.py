"""From the gateway's things to a consumer that is not ours, through a real broker and a real registry."""

import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from confluent_kafka import Producer

from cloud_sync.contract.decoding import Decoder
from cloud_sync.contract.encoding import Encoder
from cloud_sync.contract.jsontext import json_bytes
from cloud_sync.contract.records import record
from cloud_sync.contract.registry import Registry
from cloud_sync.contract.schemas import published, schema, topics_with_schema
from tests.cloud_sync import foreign
from tests.cloud_sync.things import GATEWAY, change, gap, health, reading, rollup
from tests.services.kafka import Kafka
from tests.services.registry import Registry as RealRegistry

THINGS: Mapping[str, list[Any]] = {
    "sensor-readings": [reading(1), reading(2, value=None), reading(3, value=-1.5e-300)],
    "sensor-alerts": [change(1), change(2, active=False)],
    "sensor-gaps": [gap(1), gap(2, count=None)],
    "sensor-rollups": [rollup(1)],
    "gateway-health": [health(1)],
}


def test_anybody_with_the_registry_reads_what_we_wrote(kafka: Kafka, registry: RealRegistry) -> None:
    writer = Producer({"bootstrap.servers": kafka.bootstrap, "compression.type": "zstd", "acks": "all"})
    with Registry(Registry.Settings(registry.url)) as ours:
        for topic, things in THINGS.items():
            kafka.create(f"wire-{topic}", partitions=1)
            ours.register(topic)
            encode = Encoder(topic, ours.id_of(topic))
            for thing in things:
                made = record(thing, GATEWAY)
                writer.produce(f"wire-{topic}", encode(made), key=made.key)
        assert writer.flush(20) == 0

        for topic, things in THINGS.items():
            found = kafka.records(f"wire-{topic}")
            bodies = [json.loads(json_bytes(record(thing, GATEWAY).body)) for thing in things]
            assert [as_a_stranger_reads(registry, message.value() or b"") for message in found] == bodies
            assert [Decoder(topic, ours.schema)(message.value() or b"") for message in found] == bodies
            assert [(message.key() or b"").decode() for message in found] == [
                record(thing, GATEWAY).key for thing in things
            ]


def as_a_stranger_reads(registry: RealRegistry, value: bytes) -> Any:
    """Who knows nothing but the registry's address."""
    answer = httpx.get(f"{registry.url}/schemas/ids/{int.from_bytes(value[1:5], 'big')}")
    return foreign.read(answer.raise_for_status().json()["schema"], value)


@pytest.mark.parametrize("topic", topics_with_schema())
def test_the_registry_takes_every_version_in_its_order(registry: RealRegistry, topic: str) -> None:
    subject = f"history-{topic}-value"
    level = {"compatibility": "BACKWARD_TRANSITIVE"}
    httpx.put(f"{registry.url}/config/{subject}", json=level).raise_for_status()
    for _, version in published(topic):
        register(registry, subject, version).raise_for_status()
    assert register(registry, subject, schema(topic)).status_code == 200
    for demanding in ({"name": "site", "type": "string"}, {"name": "time", "type": "string"}):
        kept = [field for field in schema(topic)["fields"] if field["name"] != demanding["name"]]
        refused = register(registry, subject, {**schema(topic), "fields": [*kept, demanding]})
        assert refused.status_code == 409


def register(registry: RealRegistry, subject: str, avro: Mapping[str, Any]) -> httpx.Response:
    return httpx.post(f"{registry.url}/subjects/{subject}/versions", json={"schema": json.dumps(avro)}, timeout=10)
