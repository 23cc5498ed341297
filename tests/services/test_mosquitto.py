"""Mosquitto as `make services` and the system tests run it."""

import asyncio
from collections.abc import Callable

import aiomqtt

from tests.services.mosquitto import Mosquitto


async def test_a_retained_message_outlives_a_restart(own_service: Callable[[type[Mosquitto]], Mosquitto]) -> None:
    broker = own_service(Mosquitto)
    async with aiomqtt.Client("127.0.0.1", broker.port) as client:
        await client.publish("farm/state", "raised", qos=1, retain=True)
    broker.restart()
    async with aiomqtt.Client("127.0.0.1", broker.port) as client:
        await client.subscribe("farm/state", qos=1)
        async with asyncio.timeout(10):
            message = await anext(aiter(client.messages))
    assert message.payload == b"raised"
