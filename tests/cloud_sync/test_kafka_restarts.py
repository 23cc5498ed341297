"""A real Kafka that is stopped, restarted, or killed while the forwarder delivers."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from cloud_sync.contract.registry import Registry
from cloud_sync.contract.topics import SENSOR_READINGS
from cloud_sync.uplink.forwarder import Forwarder
from cloud_sync.uplink.kafka import KafkaSink
from tests.cloud_sync.scripted import Drained, JumpingClock, MemoryBacklog
from tests.cloud_sync.things import GATEWAY, OXYGEN, WARMTH, reading
from tests.services.kafka import Kafka
from tests.services.registry import Registry as RegistryService

_READINGS = 3000


@pytest.mark.parametrize("end", [Kafka.kill, Kafka.stop])
async def test_a_broker_that_goes_in_the_midst_loses_and_reorders_nothing(
    own_service: Callable[[type[Kafka]], Kafka], registry: RegistryService, end: Callable[[Kafka], None]
) -> None:
    kafka = own_service(Kafka)
    kafka.create(SENSOR_READINGS, partitions=3)
    with Registry(Registry.Settings(registry.url)) as client:
        client.register(SENSOR_READINGS)
    clock = JumpingClock()
    backlog = MemoryBacklog(clock, [reading(seq, sensor=(OXYGEN, WARMTH)[seq % 2]) for seq in range(1, _READINGS + 1)])
    restarting: list[threading.Thread] = []

    def restart() -> None:
        end(kafka)
        kafka.start()

    def go_in_the_midst(_lane: object, seqs: list[int], _rejected: object) -> None:
        if len(restarting) < 2 and seqs and seqs[-1] >= (600, 1800)[len(restarting)]:  # the next batch is on its way
            restarting.append(threading.Thread(target=restart))
            restarting[-1].start()

    backlog.on_settle = go_in_the_midst  # type: ignore[assignment]
    sleep = clock.sleep

    async def sleep_a_little(seconds: float) -> None:
        await asyncio.sleep(0.05)
        await sleep(seconds)

    clock.sleep = sleep_a_little  # type: ignore[method-assign]
    own = KafkaSink.Settings(
        bootstrap_servers=kafka.bootstrap, registry_url=registry.url, tls=False, batch=20, timeout_s=2.0, linger_s=0
    )
    with pytest.raises(Drained):
        await Forwarder("sink", KafkaSink(own, GATEWAY), backlog, GATEWAY, clock).run()
    assert len(restarting) == 2 and backlog.dead == []
    first: dict[int, list[int]] = {}
    for place in dict.fromkeys(
        (message.partition() or 0, int(dict(message.headers() or [])["sequence"] or b""))
        for message in kafka.records(SENSOR_READINGS)
    ):
        first.setdefault(place[0], []).append(place[1])
    assert all(sequences == sorted(sequences) for sequences in first.values())
    assert sorted(number for sequences in first.values() for number in sequences) == list(range(1, _READINGS + 1))
