"""What the feed says fits what is published about it; what is retained says for how long it holds."""

import asyncio
import json
from collections import Counter
from random import Random
from typing import Any

import aiomqtt

from agent import config
from agent.app import App
from agent.clock import SystemClock
from tests.system.farms import OXYGEN
from tests.system.feed_schemas import channel_of, described
from tests.system.listener import retained
from tests.system.stage import Stage
from tests.system.waiting import until

ORDERS: list[tuple[str, dict[str, Any]]] = [
    ("shelve", {"id": 1, "alarm": f"{OXYGEN}/low", "minutes": 5, "reason": "a test", "by": "Ana"}),
    ("shelve", {"alarm": "nobody/knows/this", "minutes": 5, "reason": "a test", "by": "Ana"}),
]
TOLD_AGAIN = ("aqua/gw/status", f"aqua/gw/alarm/{OXYGEN}/low/state")


class HastyClock(SystemClock):
    """Whatever happens once a minute, every five minutes or every day happens every half second."""

    async def sleep(self, seconds: float) -> None:
        await super().sleep(min(seconds, 0.5))


async def test_whatever_the_gateway_publishes_is_described_and_fits(stage: Stage) -> None:
    """All there is, and nothing else: a topic that nobody described fails here, and so does one that never comes."""
    farm, broker = await stage.farm(), await stage.broker()
    path = stage.gateway(farm, broker.port, sinks="archive").config
    path.write_text(path.read_text().replace("[mqtt]", "[mqtt]\nhome_assistant = true"))
    app = App(config.load(path), HastyClock(), Random(1))
    heard: Counter[str] = Counter()
    async with aiomqtt.Client("127.0.0.1", broker.port) as client:
        await client.subscribe("#", qos=1)
        running = asyncio.ensure_future(app.run())
        hearing = asyncio.ensure_future(hear(client, heard))
        try:
            farm.pond("tank-1").aerating = False
            await until(lambda: hearing.done() or heard["alarmEvent"] > 0, 60, "an alarm")
            for verb, order in ORDERS:
                await client.publish(f"aqua/gw/cmd/{verb}", json.dumps(order), qos=1)
            await until(lambda: hearing.done() or heard["result"] == len(ORDERS), 60, "the results")
            await until(lambda: hearing.done() or described().keys() <= heard.keys(), 60, "all that is described")
        finally:
            app.stop()
            await running
            hearing.cancel()
        assert not hearing.done(), hearing.result()
    for topic, said in (await retained(broker.port)).items():
        channel_of(f"aqua/gw/{topic}", json.dumps(said).encode(), True)


async def hear(client: aiomqtt.Client, heard: Counter[str]) -> None:
    """Count every message under the channel that describes it."""
    async for message in client.messages:
        assert isinstance(message.payload, bytes)
        heard[channel_of(message.topic.value, message.payload, message.retain)] += 1


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
