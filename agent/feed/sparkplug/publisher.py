"""The edge node's own connection: will, births, data as it comes, births again when a host asks, a death at the end."""

import asyncio
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import aiomqtt

from agent.alarms import Watch
from agent.domain.alarm import AlarmChange
from agent.domain.clock import Clock
from agent.domain.farm import Sensor
from agent.domain.reading import CheckedReading
from agent.feed.connection import Connection, subscribe
from agent.feed.settings import MqttSettings, SparkplugSettings
from agent.feed.sparkplug.birth_count import BirthCount
from agent.feed.sparkplug.edge_node import EdgeNode, Message
from agent.feed.sparkplug.host import PrimaryHost
from agent.feed.sparkplug.payload import wants_rebirth
from agent.tasks import until_one_ends

log = logging.getLogger(__name__)

_BIRTHS_APART_S: Final = 10.0
_AFTER_A_BUG_S: Final = 60.0


class Sparkplug:
    """Nothing here is waited for, and a bug here ends nothing else: the alarm feed comes first.

    Whoever may write on NCMD can have the births told again, at most every ten seconds; those who ask in between get
    the next ones. Nothing else that is said there does anything.
    """

    def __init__(
        self, sparkplug: SparkplugSettings, mqtt: MqttSettings, sensors: Iterable[Sensor], count: Path, clock: Clock
    ) -> None:
        self.node = EdgeNode(sparkplug, mqtt, sensors, clock)
        self._clock = clock
        self._count = BirthCount(count)
        self._host = PrimaryHost(sparkplug.primary_host)
        self._connection = Connection(mqtt, self._will, "Sparkplug B waits for it", clock)
        self._bd_seq = 0
        self._born_s = 0.0
        self._subscribed = self._heard = False
        self._news = asyncio.Event()
        self._asked = asyncio.Event()
        self._births_due = True
        self._bug: str | None = None

    @property
    def trouble(self) -> str | None:
        """Why nothing is told; None when all is."""
        if self._bug or not self._subscribed:
            return self._bug or self._connection.trouble
        if not self._host.online.is_set():
            return f"the primary host {self._host.name} is not online"
        if not self._heard:
            return f"the births have not come back yet: may the gateway write and read {self.node.birth_topic}?"
        return None

    def status(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"node": self.node.topic.format("+"), "trouble": self.trouble}

    def resume(self, watches: Iterable[Watch], standing: Iterable[AlarmChange]) -> None:
        """Before `run`: the alarms there are, and the last change of each."""
        self.node.resume(watches, standing)

    def tell(self, changes: Iterable[AlarmChange]) -> None:
        self.node.tell(changes)
        self._news.set()

    def tell_readings(self, readings: Iterable[CheckedReading]) -> None:
        self.node.tell_readings(readings)
        self._news.set()

    async def run(self) -> None:
        """Ends by cancellation, after telling of the node's death."""
        while True:
            try:
                await self._connection.run(self._session)
            except Exception as bug:
                log.exception("A bug in Sparkplug B; everything else goes on")
                self._bug = f"Sparkplug B had a bug, see the log: {bug!r}"
            await self._clock.sleep(_AFTER_A_BUG_S)

    async def _will(self) -> aiomqtt.Will:
        """Every connection has another number, and its death too (tck-id-payloads-ndeath-bdseq)."""
        self._bd_seq = await self._count.next()
        topic, payload = self.node.death(self._bd_seq)
        return aiomqtt.Will(topic, payload, qos=1, retain=False)

    async def _session(self, client: aiomqtt.Client) -> None:
        self._host.forget()
        self._births_due = True
        self._asked.clear()
        host = [self._host.topic] if self._host.name else []
        await subscribe(client, self.node.command_topic, self.node.birth_topic, *host)
        self._subscribed, self._heard = True, False
        try:
            await until_one_ends(
                self._publish_for_ever(client), self._listen_until_lost(client), self._births_when_asked()
            )
        finally:
            self._subscribed = False

    async def _publish_for_ever(self, client: aiomqtt.Client) -> None:
        await self._host.online.wait()
        while True:
            self._news.clear()
            if self._births_due:
                self._births_due, self._born_s = False, self._clock.boot_s()
                for message in self.node.births(self._bd_seq):
                    await _send(client, message)
                self._bug = None
            for message in self.node.data():
                if self._births_due:
                    break  # what was not told stands in the births
                await _send(client, message)
            if not self._births_due:
                await self._news.wait()

    async def _births_when_asked(self) -> None:
        while True:
            await self._asked.wait()
            await self._clock.sleep(max(0.0, self._born_s + _BIRTHS_APART_S - self._clock.boot_s()))
            self._asked.clear()
            self._births_due = True
            self._news.set()

    async def _listen_until_lost(self, client: aiomqtt.Client) -> None:
        """Ends when the primary host has gone: the node dies then, and waits for it anew
        (tck-id-message-flow-edge-node-birth-publish-phid-offline).
        """
        async for message in client.messages:
            payload = message.payload if isinstance(message.payload, bytes) else b""
            if message.topic.value == self._host.topic:
                if self._host.has_gone(payload):
                    return
            elif message.topic.value == self.node.birth_topic:
                self._heard = True
                self._connection.greeted()
            elif not message.retain and wants_rebirth(payload):  # a retained command is nobody's present wish
                self._asked.set()


async def _send(client: aiomqtt.Client, message: Message) -> None:
    """Sparkplug wants all births and data at QoS 0, not retained (tck-id-payloads-nbirth-qos and its like)."""
    await client.publish(message.topic, message.payload, qos=0, retain=False)
    await asyncio.sleep(0)  # the line above may be done without a pause; alarms must not wait for a whole farm's births
