"""What the feed says fits what is published about it; what is retained says for how long it holds."""

import asyncio
import json
from collections import Counter
from typing import Any

import aiomqtt

from tests.system.farms import OXYGEN
from tests.system.feed_schemas import channel_of, described
from tests.system.listener import retained
from tests.system.stage import Stage

ORDERS: list[tuple[str, dict[str, Any]]] = [
    ("shelve", {"id": 1, "alarm": f"{OXYGEN}/low", "minutes": 5, "reason": "a test", "by": "Ana"}),
    ("shelve", {"alarm": "nobody/knows/this", "minutes": 5, "reason": "a test", "by": "Ana"}),
]
TOLD_AGAIN = ("aqua/gw/status", f"aqua/gw/alarm/{OXYGEN}/low/state")


async def test_every_message_fits_its_published_schema(stage: Stage) -> None:
    _, broker, _, gateway = await stage.in_alarm()
    heard: set[str] = set()
    async with aiomqtt.Client("127.0.0.1", broker.port) as client:
        await client.subscribe("aqua/#", qos=1)
        for verb, order in ORDERS:
            await client.publish(f"aqua/gw/cmd/{verb}", json.dumps(order), qos=1)
        results = 0
        async with asyncio.timeout(30):
            async for message in client.messages:
                assert isinstance(message.payload, bytes)
                channel = channel_of(message.topic.value, message.payload, message.retain)
                heard.add(channel)
                results += channel == "result"
                if results == len(ORDERS) and heard >= described().keys() - {"gatewayHealth"}:
                    break
    assert await gateway.stop() == 0
    for topic, said in (await retained(broker.port)).items():
        channel_of(f"aqua/gw/{topic}", json.dumps(said).encode(), True)


async def test_what_is_retained_is_said_again_with_every_heartbeat(stage: Stage) -> None:
    farm, broker = await stage.farm(), await stage.broker()
    gateway = stage.gateway(farm, broker.port)
    gateway.config.write_text(gateway.config.read_text().replace("[mqtt]", "[mqtt]\nheartbeat_s = 1"))
    gateway.start()
    beats: Counter[str] = Counter()
    async with aiomqtt.Client("127.0.0.1", broker.port) as client, asyncio.timeout(30):
        for topic in TOLD_AGAIN:
            await client.subscribe(topic, qos=1)
        async for message in client.messages:
            beats[message.topic.value] += not message.retain
            if all(beats[topic] >= 3 for topic in TOLD_AGAIN):
                break


async def test_a_test_alarm_goes_out_by_itself(stage: Stage) -> None:
    farm, broker = await stage.farm(), await stage.broker()
    listener = await stage.listener(broker.port)
    gateway = stage.gateway(farm, broker.port)
    gateway.config.write_text(gateway.config.read_text().replace("[mqtt]", "[mqtt]\ntest_every_h = 0.001"))
    gateway.start()
    await listener.hears(("feed_test", True), ("feed_test", False), ("feed_test", False))
