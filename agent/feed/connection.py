"""The connection to the broker: made again and again until there is one, and again when it is lost."""

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

import aiomqtt
from tenacity import AsyncRetrying, retry_if_exception_type, wait_random_exponential

from agent.domain.clock import Clock
from agent.feed.settings import MqttSettings

log = logging.getLogger(__name__)

Session = Callable[[aiomqtt.Client], Awaitable[None]]
"""What is done while connected. Raises MqttError, alone or in a group, when the connection goes; ends to leave."""

_KEEPALIVE_S = 10
_MOST_UNREAD = 1_000  # messages to us that wait to be read; a flood of orders must not fill the memory

_REMEDIES = {
    "lost before it was of use": "may the gateway's user write and read there what it wants to?",
    "CERTIFICATE_VERIFY_FAILED": "did the authority in ca_file sign the broker's certificate, and for this host?",
    "[code:134]": "look at username and password in [mqtt]",
    "[code:135]": "look at username, password and certificate in [mqtt], and at the broker's own list of users",
}


async def subscribe(client: aiomqtt.Client, *topics: str) -> None:
    """At QoS 1. What the broker does not grant is told; alarms go out all the same. Raises MqttError."""
    for topic in topics:
        for granted in await client.subscribe(topic, qos=1):
            if not isinstance(granted, int) and granted.is_failure:
                log.error("The MQTT broker does not let the gateway hear %s: give its user the right to read it", topic)


class Connection:
    """Says in `trouble` why the broker is not reached; None when it is. `will` is asked before every attempt; what it
    says is published when the gateway leaves, and by the broker when the gateway is lost. `meanwhile` is for the log.
    """

    def __init__(
        self, settings: MqttSettings, will: Callable[[], Awaitable[aiomqtt.Will]], meanwhile: str, clock: Clock
    ) -> None:
        self._settings = settings
        self._will = will
        self._meanwhile = meanwhile
        self._clock = clock
        self._greeted = False
        self.trouble: str | None = f"{settings} is not reached yet"

    async def run(self, session: Session) -> None:
        """Ends by cancellation."""
        while True:
            async for attempt in AsyncRetrying(
                retry=retry_if_exception_type(aiomqtt.MqttError),
                wait=wait_random_exponential(multiplier=0.5, max=15),
                sleep=self._clock.sleep,
            ):
                with attempt:
                    await self._connect(session)
            await self._clock.sleep(0.5)

    async def _connect(self, session: Session) -> None:
        """Raises MqttError when there is none that is of use; returns when one was lost or left."""
        will = await self._will()
        self._greeted = False
        try:
            async with self._client(will) as client:
                lost = False
                try:
                    lost = await self._lost(client, session)
                finally:
                    if not lost:
                        await self._say_farewell(client, will)
        except aiomqtt.MqttError as error:
            self._tell_trouble(error)
            raise
        except (OSError, ValueError) as error:
            # A host name that cannot be one, a certificate file that is none: no reason to stop watching the tanks.
            self._tell_trouble(error)
            raise aiomqtt.MqttError(str(error)) from error
        if lost and not self._greeted:
            useless = aiomqtt.MqttError("lost before it was of use")
            self._tell_trouble(useless)
            raise useless

    async def _lost(self, client: aiomqtt.Client, session: Session) -> bool:
        """Whether it ended because the connection was lost."""
        lost = False
        try:
            await session(client)
        except* aiomqtt.MqttError as errors:
            lost = True
            if self._greeted:
                self._tell_trouble(errors.exceptions[0])
        return lost

    def _client(self, will: aiomqtt.Will) -> aiomqtt.Client:
        settings = self._settings
        tls = aiomqtt.TLSParameters(ca_certs=settings.ca_file, certfile=settings.cert_file, keyfile=settings.key_file)
        return aiomqtt.Client(
            settings.host,
            settings.port,
            username=settings.username,
            password=settings.password.reveal() if settings.password else None,
            tls_params=tls if settings.encrypted else None,
            will=will,
            keepalive=_KEEPALIVE_S,
            timeout=settings.timeout_s,
            max_queued_incoming_messages=_MOST_UNREAD,
        )

    def greeted(self) -> None:
        """The broker has taken what the session asked of it, so it is reached. One that hangs up before is tried again
        with growing pauses.
        """
        if not self._greeted:
            log.info("%s is reached", self._settings)
        self._greeted = True
        self.trouble = None

    async def _say_farewell(self, client: aiomqtt.Client, will: aiomqtt.Will) -> None:
        """A clean leave keeps the broker from publishing the will. A broker that hangs must not hold us up."""
        with suppress(aiomqtt.MqttError):
            await client.publish(will.topic, will.payload, qos=will.qos, retain=will.retain, timeout=1.0)

    def _tell_trouble(self, error: BaseException) -> None:
        said = str(error)
        remedy = next((remedy for sign, remedy in _REMEDIES.items() if sign in said), None)
        trouble = f"{self._settings}: {said}" + (f"; {remedy}" if remedy else "")
        if trouble != self.trouble:
            log.error("%s; %s", trouble, self._meanwhile)
        self.trouble = trouble
