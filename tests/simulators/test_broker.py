"""The embedded broker does for the gateway what it needs of Mosquitto, checked with the gateway's own client."""

import asyncio
from collections.abc import AsyncIterator

import aiomqtt
import pytest

from simulators.broker import HOST, Broker
from tests.services.service import free_port


@pytest.fixture
async def broker() -> AsyncIterator[Broker]:
    async with Broker(free_port()) as broker:
        yield broker


def client(broker: Broker, name: str, will: aiomqtt.Will | None = None) -> aiomqtt.Client:
    return aiomqtt.Client(HOST, broker.port, identifier=name, will=will, keepalive=10)


async def heard(listener: aiomqtt.Client, count: int) -> list[tuple[str, bytes, bool]]:
    found = []
    async with asyncio.timeout(2):
        async for message in listener.messages:
            assert isinstance(message.payload, bytes)
            found.append((str(message.topic), message.payload, message.retain))
            if len(found) == count:
                break
    return found


async def test_retained_messages_wait_for_a_late_listener(broker: Broker) -> None:
    async with client(broker, "gateway") as gateway:
        for topic in ("farm/a/alarm", "farm/b/alarm"):
            await gateway.publish(topic, b"raised", qos=1, retain=True)
        await gateway.publish("farm/a/alarm", b"", qos=1, retain=True)
    async with client(broker, "screen") as screen:
        await screen.subscribe("farm/+/alarm", qos=1)
        assert await heard(screen, 1) == [("farm/b/alarm", b"raised", True)]


async def test_the_last_will_is_published_when_the_gateway_dies_and_not_when_it_leaves(broker: Broker) -> None:
    will = aiomqtt.Will("farm/status", b"offline", qos=1, retain=True)
    async with client(broker, "screen") as screen:
        await screen.subscribe("farm/#", qos=1)
        async with client(broker, "gateway", will) as gateway:
            await gateway.publish("farm/status", b"online", qos=1, retain=True)
            assert await heard(screen, 1) == [("farm/status", b"online", False)]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await heard(screen, 1)
        await dies(broker, will)
        assert await heard(screen, 1) == [("farm/status", b"offline", False)]
    async with client(broker, "later") as later:
        await later.subscribe("farm/status", qos=1)
        assert await heard(later, 1) == [("farm/status", b"offline", True)]


async def dies(broker: Broker, will: aiomqtt.Will) -> None:
    """A gateway that connects and vanishes without a word: written by hand, since clients say goodbye."""
    reader, writer = await asyncio.open_connection(HOST, broker.port)
    fields = [b"doomed", will.topic.encode(), bytes(str(will.payload, "ascii"), "ascii")]  # type: ignore[arg-type]
    payload = b"".join(len(one).to_bytes(2, "big") + one for one in fields)
    body = b"\x00\x04MQTT\x04" + bytes([0b0010_1110]) + b"\x00\x0a" + payload
    writer.write(bytes([0x10, len(body)]) + body)
    assert await reader.readexactly(4) == b"\x20\x02\x00\x00"
    writer.transport.abort()


async def test_a_gateway_can_come_back_under_its_name(broker: Broker) -> None:
    for turn in (b"1", b"2", b"3"):
        async with client(broker, "gateway") as gateway:
            await gateway.publish("farm/turn", turn, qos=1, retain=True)
    async with client(broker, "screen") as screen:
        await screen.subscribe("farm/turn")
        assert await heard(screen, 1) == [("farm/turn", b"3", True)]


async def test_many_messages_arrive_in_order(broker: Broker) -> None:
    async with client(broker, "screen") as screen, client(broker, "gateway") as gateway:
        await screen.subscribe("farm/#", qos=1)
        for number in range(200):
            await gateway.publish("farm/n", str(number).encode(), qos=1)
        assert [int(payload) for _, payload, _ in await heard(screen, 200)] == list(range(200))


async def test_where_a_broker_serves_already_there_is_no_second(broker: Broker) -> None:
    async with Broker(broker.port) as second:
        assert not second.serving
    async with client(broker, "gateway") as gateway:
        await gateway.publish("still/here", b"1", qos=1)
