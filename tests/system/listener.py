"""Somebody at the farm who listens to the alarms on MQTT: a real client with a session of its own."""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

import aiomqtt

from tests.system.processes import HOST
from tests.system.waiting import until

Message = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Event:
    """One message of the event topic: what it says, and when it arrived (wall time)."""

    said: Message
    arrived_s: float

    @property
    def change(self) -> tuple[str, bool]:
        """Kind, and whether it was raised."""
        return self.said["kind"], self.said["active"]

    @property
    def latency_s(self) -> float:
        """From the reading that changed the alarm to the message about it."""
        return self.arrived_s - datetime.fromisoformat(self.said["time"]).timestamp()


class Listener:
    """Subscribed to everything under `aqua/`; comes back by itself when the broker does.

    `events` holds each change once, in the order of arrival; `states` every state message, retained or not.
    """

    def __init__(self, port: int) -> None:
        self.events: list[Event] = []
        self.states: list[tuple[str, Message]] = []
        self.status: list[str] = []
        self.store: list[str] = []
        self._port = port
        self._subscribed = asyncio.Event()

    @property
    def changes(self) -> list[tuple[str, bool]]:
        return [event.change for event in self.events]

    @property
    def seqs(self) -> list[int]:
        return [event.said["seq"] for event in self.events]

    async def hears(self, *changes: tuple[str, bool], within_s: float = 60.0) -> None:
        """Wait until the newest events are these, in any order among themselves."""
        count = len(changes)
        await until(lambda: sorted(self.changes[-count:]) == sorted(changes), within_s, f"{changes} on MQTT")

    async def ready(self) -> None:
        await asyncio.wait_for(self._subscribed.wait(), 20)

    async def run(self) -> None:
        while True:
            try:
                await self._listen()
            except aiomqtt.MqttError:
                await asyncio.sleep(0.05)

    async def _listen(self) -> None:
        async with aiomqtt.Client(HOST, self._port, identifier="listener", clean_session=False) as client:
            await client.subscribe("aqua/#", qos=1)
            self._subscribed.set()
            async for message in client.messages:
                self._take(str(message.topic), message.payload)

    def _take(self, topic: str, payload: Any) -> None:
        said = json.loads(payload)
        if topic.endswith("/alarm/event"):
            if said["seq"] not in self.seqs:  # at least once: a repeat is told by its number
                self.events.append(Event(said, time.time()))
        elif topic.endswith("/store"):
            self.store.append(said["state"])
        elif topic.endswith("/state"):
            self.states.append((topic, said))
        elif topic.endswith("/status"):
            self.status.append(said["state"])


async def retained(port: int) -> dict[str, Message]:
    """What a newcomer is told by the broker, by topic below the gateway's own."""
    found: dict[str, Message] = {}
    async with aiomqtt.Client(HOST, port) as client:
        marker = f"marker/{uuid4()}"
        await client.subscribe(marker, qos=1)
        await client.subscribe("aqua/#", qos=1)
        await client.publish(marker, b"everything retained came before this", qos=1)
        async with asyncio.timeout(10):
            async for message in client.messages:
                if message.topic.matches(marker):
                    return found
                if message.retain and isinstance(message.payload, bytes):
                    found[str(message.topic).split("/", 2)[2]] = json.loads(message.payload)
    raise AssertionError("the marker never came back")


async def standing(port: int) -> set[str]:
    """The alarms that are active, by what the broker retains: `tank-1/do-1/dissolved_oxygen/low`."""
    states = {topic: said for topic, said in (await retained(port)).items() if topic.endswith("/state")}
    return {topic.removeprefix("alarm/").removesuffix("/state") for topic, said in states.items() if said["active"]}
