"""A SCADA system at the broker: a host that hears the edge nodes of the group `farm` and may ask them to be born."""

import asyncio
import json
from collections.abc import Sequence

import aiomqtt

from tests.services.tahu import Tahu
from tests.sparkplug import Said
from tests.system.processes import HOST
from tests.system.waiting import until

STATE = "spBv1.0/STATE/scada"
REBIRTH = {"timestamp": 1, "metrics": [{"name": "Node Control/Rebirth", "datatype": 11, "booleanValue": True}]}


class Scada:
    """Comes back by itself when the broker does, and asks for births whenever it comes, as hosts do. `said` is all that
    it heard, in order; QoS and retain flag of each are held to the specification.
    """

    def __init__(self, port: int, tahu: Tahu) -> None:
        self.said: list[Said] = []
        self._port = port
        self._tahu = tahu
        self._client: aiomqtt.Client | None = None
        self.subscribed = asyncio.Event()

    @property
    def topics(self) -> Sequence[str]:
        return [one.topic for one in self.said]

    def last(self, topic: str) -> Said:
        return next(one for one in reversed(self.said) if one.topic == topic)

    async def hears(self, topic: str, times: int = 1, within_s: float = 40.0) -> Said:
        """The newest message of that topic, once it came so often."""
        await until(lambda: self.topics.count(topic) >= times, within_s, f"{topic} for the {times}th time")
        return self.last(topic)

    async def asks_for_births(self) -> None:
        await self.publishes("spBv1.0/farm/NCMD/gw", self._tahu.encode(REBIRTH))

    async def is_online(self, online: bool, at_ms: int) -> None:
        await self.publishes(STATE, json.dumps({"online": online, "timestamp": at_ms}).encode(), retain=True)

    async def publishes(self, topic: str, payload: bytes, retain: bool = False) -> None:
        assert self._client is not None
        await self._client.publish(topic, payload, qos=1, retain=retain)

    async def run(self) -> None:
        while True:
            try:
                async with aiomqtt.Client(HOST, self._port) as client:
                    await client.subscribe("spBv1.0/farm/#", qos=1)
                    self._client = client
                    await self.asks_for_births()
                    self.subscribed.set()
                    async for message in client.messages:
                        self._hear(message)
            except aiomqtt.MqttError:
                await asyncio.sleep(0.05)

    def _hear(self, message: aiomqtt.Message) -> None:
        topic = message.topic.value
        if "/NCMD/" not in topic:
            assert (message.qos, message.retain) == ("/NDEATH/" in topic, False), topic
            self.said.append(Said(topic, bytes(message.payload), self._tahu))
