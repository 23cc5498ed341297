"""The alarm log → local MQTT, with the broker there or not.

    aqua/<gateway>/status                                        retained  {"state": "online" | "offline"}
    aqua/<gateway>/store                                         retained  {"state": "ok" | "salvaging" | "failing"}
    aqua/<gateway>/alarm/<tank>/<probe>/<sensor>/<kind>/state    retained  where this alarm stands
    aqua/<gateway>/alarm/event                                   one message a change, numbered by "seq"
    aqua/<gateway>/cmd/<verb>                                    in: what people want of an alarm (agent.alarm_orders)
    aqua/<gateway>/result                                        what became of it

`status` is also the last will, so that a gateway that dies says "offline": the retained alarms of an offline gateway
are history, not news. Everything goes out with QoS 1. A change waits here until the broker has confirmed it; after a
reconnect the states are published anew and the waiting events follow in order. Nothing that is delivered to the cloud
passes here, so nothing there can delay it.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import aiomqtt
from tenacity import AsyncRetrying, retry_if_exception_type, wait_random_exponential

from agent.alarm_messages import event_json, state_json, status_json, store_json
from agent.alarms import Watch
from agent.domain.alarm import Alarm, AlarmChange, Standing
from agent.domain.clock import Clock
from agent.domain.secret import Secret

log = logging.getLogger(__name__)

Command = Callable[[str, bytes, bool], str]
"""Given the verb, the payload and whether it was retained, the result as JSON; see `agent.alarm_commands`."""

_MOST_WAITING = 20_000
_KEEPALIVE_S = 10


@dataclass(frozen=True, slots=True)
class MqttSettings:
    """Where the local broker is. `ca_file` turns TLS on and names the certificate of the authority to trust."""

    host: str = "127.0.0.1"
    port: int = 1883
    username: str | None = None
    password: Secret | None = None
    ca_file: str | None = None
    topic: str = "aqua"
    timeout_s: float = 10.0

    def __str__(self) -> str:
        return f"MQTT broker {self.host}:{self.port}"


class AlarmFeed:
    """Takes changes by `tell`, hands orders to `command` and publishes what it returns; says in `trouble` why the
    broker is not reached (None when it is).

    `confirmed(seq)` is awaited when the broker has everything up to that change.
    """

    def __init__(
        self, settings: MqttSettings, gateway: str, confirmed: Callable[[int], Awaitable[None]], clock: Clock
    ) -> None:
        self._settings = settings
        self._base = f"{settings.topic}/{gateway}"
        self._confirmed = confirmed
        self._clock = clock
        self.command: Command = _nobody_listens
        self._watches: Sequence[Watch] = ()
        self._last: dict[str, AlarmChange] = {}
        self._waiting: deque[AlarmChange] = deque()
        self._news = asyncio.Event()
        self._store: str | None = None
        self._store_told: str | None = None
        self.trouble: str | None = f"{settings} is not reached yet"
        self.published = 0
        self.dropped = 0

    @property
    def waiting(self) -> int:
        """Changes that the broker has not confirmed yet."""
        return len(self._waiting)

    def resume(self, watches: Iterable[Watch], standing: Iterable[AlarmChange], unsent: Iterable[AlarmChange]) -> None:
        """Before `run`: the alarms there are, the last change of each, and what the broker did not get last time."""
        self._watches = list(watches)
        self._last = {str(change.alarm): change for change in standing}
        self._wait_for_broker(unsent)

    def tell(self, changes: Sequence[AlarmChange]) -> None:
        """Take changes for publication; never waits."""
        for change in changes:
            self._last[str(change.alarm)] = change
        self._wait_for_broker(changes)
        self._news.set()

    def tell_store(self, state: str, because: str | None) -> None:
        """Take the state of the ring buffer for publication; never waits."""
        self._store = store_json(state, because)
        self._news.set()

    def _wait_for_broker(self, changes: Iterable[AlarmChange]) -> None:
        self._waiting.extend(changes)
        while len(self._waiting) > _MOST_WAITING:
            self._waiting.popleft()  # its state is still published, and it stays in the alarm log
            self.dropped += 1
            if self.dropped == 1:
                log.error("%s has been away for too long: the oldest events are left out from now on", self._settings)

    async def run(self) -> None:
        """Connect, publish, connect again; ends by cancellation, saying "offline"."""
        while True:
            async for attempt in AsyncRetrying(
                retry=retry_if_exception_type(aiomqtt.MqttError),
                wait=wait_random_exponential(multiplier=0.5, max=15),
                sleep=self._clock.sleep,
            ):
                with attempt:
                    await self._connect_and_publish()
            await self._clock.sleep(0.5)

    async def _connect_and_publish(self) -> None:
        """Raises MqttError when there is no connection; returns when one was lost."""
        try:
            async with self._client() as client:
                try:
                    await self._greet(client)
                    await self._publish_until_lost(client)
                except asyncio.CancelledError:
                    await self._say_offline(client)
                    raise
        except aiomqtt.MqttError as error:
            self._tell_trouble(f"{self._settings}: {error}")
            raise
        except (OSError, ValueError) as error:
            # A host name that cannot be one, a certificate file that is none: no reason to stop watching the tanks.
            self._tell_trouble(f"{self._settings}: {error}")
            raise aiomqtt.MqttError(str(error)) from error

    async def _publish_until_lost(self, client: aiomqtt.Client) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._publish_for_ever(client))
                tasks.create_task(self._obey_until_lost(client))
        except* aiomqtt.MqttError as lost:
            self._tell_trouble(f"{self._settings}: {lost.exceptions[0]}")

    def _client(self) -> aiomqtt.Client:
        settings = self._settings
        return aiomqtt.Client(
            settings.host,
            settings.port,
            username=settings.username,
            password=settings.password.reveal() if settings.password else None,
            tls_params=aiomqtt.TLSParameters(ca_certs=settings.ca_file) if settings.ca_file else None,
            will=aiomqtt.Will(f"{self._base}/status", status_json("offline"), qos=1, retain=True),
            keepalive=_KEEPALIVE_S,
            timeout=settings.timeout_s,
        )

    async def _greet(self, client: aiomqtt.Client) -> None:
        online = status_json("online", self._clock.now().utc_us)
        await client.publish(f"{self._base}/status", online, qos=1, retain=True)
        log.info("%s is reached", self._settings)
        await client.subscribe(f"{self._base}/cmd/+", qos=1)
        self._store_told = None
        self.trouble = None
        for watch in sorted(self._watches, key=lambda watch: not watch.standing.active):
            await self._publish_state(client, watch.alarm, watch.standing, self._last.get(str(watch.alarm)))

    async def _say_offline(self, client: aiomqtt.Client) -> None:
        """A clean leave keeps the broker from publishing the will. A broker that hangs must not hold us up."""
        with suppress(aiomqtt.MqttError):
            await client.publish(f"{self._base}/status", status_json("offline"), qos=1, retain=True, timeout=1.0)

    async def _publish_for_ever(self, client: aiomqtt.Client) -> None:
        while True:
            self._news.clear()
            await self._publish_store(client)
            last_seq = 0
            while self._waiting:
                change = self._waiting[0]
                if self._last[str(change.alarm)].seq == change.seq:  # a state never goes back to an older one
                    await self._publish_state(client, change.alarm, change.standing, change)
                await client.publish(f"{self._base}/alarm/event", event_json(change), qos=1)
                if self._waiting and self._waiting[0] is change:
                    self._waiting.popleft()
                self.published += 1
                last_seq = change.seq
            if last_seq:
                await self._confirmed(last_seq)
            await self._news.wait()

    async def _publish_store(self, client: aiomqtt.Client) -> None:
        told = self._store
        if told is not None and told != self._store_told:
            await client.publish(f"{self._base}/store", told, qos=1, retain=True)
            self._store_told = told

    async def _publish_state(
        self, client: aiomqtt.Client, alarm: Alarm, standing: Standing, change: AlarmChange | None
    ) -> None:
        topic = f"{self._base}/alarm/{alarm}/state"
        await client.publish(topic, state_json(alarm, standing, change), qos=1, retain=True)

    async def _obey_until_lost(self, client: aiomqtt.Client) -> None:
        """Raises MqttError when the connection goes, so that a dead broker is noticed before the next alarm."""
        async for message in client.messages:
            verb = message.topic.value.rpartition("/")[2]
            payload = message.payload if isinstance(message.payload, bytes) else b""
            result = self.command(verb, payload, message.retain)
            await client.publish(f"{self._base}/result", result, qos=1)

    def _tell_trouble(self, trouble: str) -> None:
        if trouble != self.trouble:
            log.error("%s; alarms wait for it", trouble)
        self.trouble = trouble


def _nobody_listens(verb: str, payload: bytes, retained: bool) -> str:
    raise AssertionError("the feed runs before anybody takes orders")
