"""What the gateway owes to those who have heard from it, and whether a disk that a power cut left can still keep it."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent.store.store import Store
from cloud_sync.contract.record import Record
from cloud_sync.contract.topics import SENSOR_ALERTS, SENSOR_GAPS, SENSOR_READINGS
from tests.clock import FakeClock
from tests.power.delivery import DiskTrouble, ScriptedSink, deliver
from tests.power.gateway import OpenStore, change, reading, settings

NEW = 1_000_000
"""Readings with this value and above are measured after the cut."""

Body = dict[str, Any]
Number = tuple[str, str | None, int]


class Broken(Exception):
    """A promise that is not kept, in words."""


class Cloud:
    """Everything that ever arrived, before and after the cut."""

    def __init__(self, before: "Cloud | None" = None) -> None:
        self.bodies: dict[Number, Body] = dict(before.bodies) if before else {}
        self._numbers: dict[str, Number] = dict(before._numbers) if before else {}

    def accept(self, topic: str, body: Body) -> None:
        """Raises Broken unless a number (topic, epoch, sequence) means one thing for ever, and a reading has one number
        for ever.
        """
        number = topic, body["metadata"].get("epoch"), body["metadata"]["sequence"]
        known = self.bodies.setdefault(number, body)
        if known != body:
            raise Broken(f"{number} now is {body!s:.300}, but was {known!s:.300}")
        if topic == SENSOR_READINGS:
            for thing in (f"{body['sensor_id']} at {body['time']}", f"reading {body['value']}"):
                if self._numbers.setdefault(thing, number) != number:
                    raise Broken(f"{thing} now is {number}, but was {self._numbers[thing]}")

    def highest(self, topic: str) -> int:
        return max((seq for of, _, seq in self.bodies if of == topic), default=0)

    def lost(self, readings: set[int]) -> set[int]:
        """Those of these readings that neither arrived nor are counted in a gap."""
        lost = readings - {
            int(body["value"]) for (topic, _, _), body in self.bodies.items() if topic == SENSOR_READINGS
        }
        for (topic, _, _), body in self.bodies.items():
            if topic == SENSOR_GAPS:
                told = lost.intersection(range(body["first_sequence"], body["last_sequence"] + 1))
                lost -= told if len(told) <= body["count"] else set()
        return lost

    def silenced(self, changes: set[int]) -> set[int]:
        """Those of these alarm changes that did not arrive."""
        return changes - {seq for topic, _, seq in self.bodies if topic == SENSOR_ALERTS}


@dataclass
class Promises:
    """What has been promised up to some moment of a recording."""

    stored: int = 0
    changes: int = 0
    published: int = 0
    cloud: Cloud = field(default_factory=Cloud)

    def hear(self, said: Iterable[str]) -> None:
        """What the gateway said meanwhile."""
        for line in map(json.loads, said):
            self.stored = line.get("stored", self.stored)
            self.changes = line.get("changes", self.changes)
            self.published = line.get("published", self.published)
            for topic, body in line.get("accepted", ()):
                self.cloud.accept(topic, body)

    async def keep(self, folder: Path, open_store: OpenStore, clock: FakeClock) -> None:
        """Start the gateway on what is in `folder`, let it measure something new, and deliver everything.

        Raises Broken if it does not start, or a promise is not kept.
        """
        try:
            store = open_store(folder, clock)
        except ValueError as error:
            raise Broken(f"does not start: {error!r}") from error
        try:
            await self._keep(store, folder, clock)
        except DiskTrouble as error:
            raise Broken(str(error)) from error
        finally:
            await store.close()
        damaged = [path.name for path in folder.iterdir() if "damaged" in path.name]
        if store.trouble or damaged:
            raise Broken(f"{store.trouble}; set aside: {damaged}")

    async def _keep(self, store: Store, folder: Path, clock: FakeClock) -> None:
        cloud, recalled = Cloud(self.cloud), await store.recall(3600.0, lambda past: None)
        if store.trouble:
            raise Broken(store.trouble)
        last_change = max((one.seq for one in recalled.standing), default=0)
        unsent = {one.seq for one in recalled.unsent}
        if last_change < self.changes or not unsent.issuperset(range(self.published + 1, self.changes + 1)):
            raise Broken(f"of {self.changes} alarm changes {last_change} are recalled, and {unsent} for MQTT")
        store.put([reading(n, clock) for n in range(NEW, NEW + 3)], [change(last_change + 1, clock)])
        await store.commit()
        await _delivered(store, clock, cloud)
        lost = cloud.lost({*range(1, self.stored + 1)} - _set_aside(folder))
        silenced = cloud.silenced({*range(1, self.changes + 1)})
        if lost or silenced:
            raise Broken(f"lost are the readings {lost} and the alarm changes {silenced}")
        if cloud.highest(SENSOR_READINGS) < self.cloud.highest(SENSOR_READINGS) + 3:
            raise Broken(f"new readings do not come after number {self.cloud.highest(SENSOR_READINGS)}")


async def _delivered(store: Store, clock: FakeClock, cloud: Cloud) -> None:
    arrived: list[Record] = []

    def accept(batch: Sequence[Record]) -> None:
        arrived.extend(batch)

    await deliver(store, ScriptedSink(accept, limit=1000), clock)
    for record in arrived:
        cloud.accept(record.topic, dict(record.body))


def _set_aside(folder: Path) -> set[int]:
    """The readings among the dead letters."""
    with closing(sqlite3.connect(settings(folder).path)) as database:
        return {seq for (seq,) in database.execute("SELECT seq FROM dead_letters WHERE stream = 'readings'")}
