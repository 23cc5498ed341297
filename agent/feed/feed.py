"""The alarm feed: everything that is told, in lanes, over one connection.

A change waits here until the broker has confirmed it. After a reconnect the changes that wait follow in order, then
every state is said anew, then the rest.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

import aiomqtt

from agent.alarm_messages import compact
from agent.alarms import Watch
from agent.domain.alarm import AlarmChange
from agent.domain.clock import Clock
from agent.domain.gateway_health import GatewayHealth
from agent.domain.reading import CheckedReading
from agent.feed.changes import Changes, LoggedAfter
from agent.feed.connection import Connection, subscribe
from agent.feed.documents import Documents
from agent.feed.lanes import Lane, Message
from agent.feed.payloads import health_json, offline_json, online_json, store_json
from agent.feed.readings import Readings
from agent.feed.settings import MqttSettings
from agent.feed.states import States, until_us
from agent.tasks import until_one_ends

Command = Callable[[str, bytes, bool], str]
"""Given the verb, the payload and whether it was retained, the result as JSON; see `agent.alarm_commands`."""

Hear = Callable[[bytes], None]
"""Given the payload of a message on a topic that somebody wanted to hear of."""


class Feed:
    """Takes what there is to say by its `tell` methods, which never wait; hands orders to `command` and publishes what
    it returns, and to `hears` whatever comes on those topics.

    `confirmed(seq)` is awaited when the broker has everything up to that change, by nobody that has alarms to publish:
    a disk may hang. `logged_after` is asked only for what is too much for the memory.
    """

    def __init__(
        self,
        settings: MqttSettings,
        gateway: str,
        confirmed: Callable[[int], Awaitable[None]],
        logged_after: LoggedAfter,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self.base = base = f"{settings.topic}/{gateway}"
        self._confirmed = confirmed
        self._logged_after = logged_after
        self._clock = clock
        self._connection = Connection(settings, self._will, "alarms wait for it", clock)
        self._states = States(base, settings.valid_s, clock)
        self.event_topic = f"{base}/alarm/event"
        self._changes = Changes(self.event_topic, self._states)
        self._status = Documents()
        self._documents = Documents()
        self._readings = Readings(base, settings)
        self._lanes: Sequence[Lane] = (self._status, self._changes, self._documents, self._states, self._readings)
        self._news = asyncio.Event()
        self._to_confirm = asyncio.Event()
        self._since_us = 0
        self.command: Command = _nobody_listens
        self.hears: Mapping[str, Hear] = {}

    @property
    def trouble(self) -> str | None:
        """Why the broker is not reached; None when it is."""
        return self._connection.trouble

    @property
    def waiting(self) -> int:
        """Changes that the broker has not confirmed yet."""
        return len(self._changes)

    @property
    def published(self) -> int:
        """Changes that it has confirmed since the start."""
        return self._changes.published

    @property
    def dropped(self) -> int:
        """Changes that it never gets: there were too many for the memory, and the alarm log does not have them."""
        return self._changes.dropped

    def resume(
        self,
        watches: Iterable[Watch],
        standing: Sequence[AlarmChange],
        unsent: Sequence[AlarmChange],
        unsent_more: int,
    ) -> None:
        """Before `run`: the alarms there are, the last change of each, and the oldest that the broker did not get last
        time, of which the log has so many more.
        """
        self._states.resume(watches, standing)
        self._changes.tell(unsent)
        if unsent_more and standing:
            self._changes.leave_to_log(unsent_more, max(change.seq for change in standing))

    def tell(self, changes: Sequence[AlarmChange]) -> None:
        """Take changes for publication."""
        self._states.tell(changes)
        self._changes.tell(changes)
        self._news.set()

    def tell_readings(self, readings: Iterable[CheckedReading]) -> None:
        """Take readings; which of them are told, and when, is up to the settings."""
        self._readings.tell(readings)
        self._news.set()

    def tell_store(self, state: str, because: str | None) -> None:
        """Take the state of the ring buffer."""
        self.retain("store", store_json(state, because))

    def tell_health(self, health: GatewayHealth) -> None:
        """Take a look at the gateway itself."""
        self.retain("health/gateway", health_json(health))

    def tell_tank(self, tank: str, report: Mapping[str, Any]) -> None:
        """Take how well a tank is doing, JSON-ready."""
        self.retain(f"health/{tank}", compact(dict(report)))

    def tell_probe(self, tank: str, probe: str, report: Mapping[str, Any]) -> None:
        """Take a probe's newest report, JSON-ready."""
        self.retain(f"health/{tank}/{probe}", compact(dict(report)))

    def retain(self, topic: str, document: str) -> None:
        """Take a JSON document to be retained on that topic below the gateway's own."""
        self.publish(f"{self.base}/{topic}", document)

    def publish(self, topic: str, document: str, again: bool = False) -> None:
        """Take a document to be retained on any topic; `again`: although it was published before."""
        self._documents.tell(topic, document, again)
        self._news.set()

    async def run(self) -> None:
        """Connect, publish, connect again; ends by cancellation, saying "offline"."""
        await self._connection.run(self._session)

    async def _will(self) -> aiomqtt.Will:
        return aiomqtt.Will(f"{self.base}/status", offline_json(), qos=1, retain=True)

    async def _session(self, client: aiomqtt.Client) -> None:
        self._since_us = self._clock.now().utc_us
        await subscribe(client, f"{self.base}/cmd/+", *self.hears)
        self._connection.greeted()
        self._beat()
        for lane in self._lanes:
            lane.reconnected()
        await until_one_ends(self._publish_for_ever(client), self._beat_for_ever(), self._listen_until_lost(client))

    async def _beat_for_ever(self) -> None:
        while True:
            await self._clock.sleep(self._settings.heartbeat_s)
            self._beat()

    def _beat(self) -> None:
        now = self._clock.now()
        valid_until_us = until_us(now, self._settings.valid_s)
        said = online_json(self._since_us, now.utc_us, valid_until_us, self._settings.heartbeat_s)
        self._status.tell(f"{self.base}/status", said)
        self._states.refresh()
        self._news.set()

    async def _publish_for_ever(self, client: aiomqtt.Client) -> None:
        while True:
            self._news.clear()
            while (urgent := await self._most_urgent()) is not None:
                lane, message = urgent
                await self._send(client, message)
                lane.sent()
                self._to_confirm.set()
            await self._news.wait()

    async def _most_urgent(self) -> tuple[Lane, Message] | None:
        await self._changes.refill(self._logged_after)
        for lane in self._lanes:
            if (message := lane.first()) is not None:
                return lane, message
        return None

    async def _send(self, client: aiomqtt.Client, message: Message) -> None:
        await client.publish(message.topic, message.payload, qos=1, retain=message.retain)

    async def confirm(self) -> None:
        """Tell `confirmed` what the broker has; ends by cancellation."""
        noted_seq = 0
        while True:
            await self._to_confirm.wait()
            self._to_confirm.clear()
            if (seq := self._changes.confirmed_seq) > noted_seq:
                await self._confirmed(seq)
                noted_seq = seq

    async def _listen_until_lost(self, client: aiomqtt.Client) -> None:
        """Raises MqttError when the connection goes, so that a dead broker is noticed before the next alarm."""
        async for message in client.messages:
            topic = message.topic.value
            payload = message.payload if isinstance(message.payload, bytes) else b""
            if topic in self.hears:
                self.hears[topic](payload)
            else:
                result = self.command(topic.rpartition("/")[2], payload, message.retain)
                await self._send(client, Message(f"{self.base}/result", result))


def _nobody_listens(verb: str, payload: bytes, retained: bool) -> str:
    raise AssertionError("the feed runs before anybody takes orders")
