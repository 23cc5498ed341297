"""An hour without the broker, in simulated time: thousands of changes, a full ring buffer, a reboot in between."""

import asyncio
import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import aiomqtt
import pytest

from agent.checks.sensor_checks import SensorChecks
from agent.domain.alarm import AlarmChange
from agent.domain.reading import Reading
from agent.feed import Feed, MqttSettings
from agent.pipeline import Pipeline
from agent.store.store import Store, StoreSettings
from agent.tasks import cancelled
from tests.agent.farm import OXYGEN, alarm, checked
from tests.clock import FakeClock
from tests.cloud_sync.tcp_proxy import TcpProxy
from tests.system.listener import Listener, retained
from tests.system.processes import Mosquitto
from tests.system.stage import Stage
from tests.system.waiting import until

EVERY_S, FOUL_FOR, HOUR_S = 5, 12, 3600
SENSORS = [replace(OXYGEN, sensor_id=UUID(int=100 + n), probe=f"do-{n}") for n in range(20)]
ALARMS = [replace(alarm(on_delay_s=0, off_delay_s=0), source=sensor) for sensor in SENSORS]


class PatientClock(FakeClock):
    """Time passes when the test lets it; who sleeps looks up after a tenth of the time."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 10)


class House:
    """What alarms pass in the gateway: from the readings to log and broker; its cloud takes nothing."""

    def __init__(self, folder: Path, port: int, clock: PatientClock) -> None:
        self._clock = clock
        self.database = folder / "ring-buffer.sqlite"
        self.store = Store(StoreSettings(self.database, size_mb=2), ["cloud"], clock)
        settings = MqttSettings(port=port, timeout_s=2.0)
        self.feed = Feed(settings, "gw", self.store.feed_has, self.store.logged_after, clock)
        checks = {sensor: SensorChecks({}) for sensor in SENSORS}
        self._pipeline = Pipeline(checks, ALARMS, self.store.put, self._tell)
        self.told: list[int] = []
        self._rounds = 0

    def _tell(self, changes: Sequence[AlarmChange]) -> None:
        self.feed.tell(changes)
        self.told += [change.seq for change in changes]

    async def __aenter__(self) -> "House":
        recalled = await self.store.recall(60.0, lambda past: None)
        self.feed.resume(self._pipeline.annunciator.watches, recalled.standing, recalled.unsent, recalled.unsent_more)
        self._pipeline.resume(recalled.standing, self._clock.now())
        parts = (self.store.run(), self.feed.run(), self.feed.confirm())
        self._tasks = [asyncio.ensure_future(part) for part in parts]
        return self

    async def __aexit__(self, *_: object) -> None:
        await cancelled(self._tasks)
        await self.store.close()

    async def goes_on(self, seconds: float) -> None:
        """Every sensor crosses its limit and comes back once in two minutes, each at a moment of its own."""
        end_s = self._clock.boot_s() + seconds
        while self._clock.boot_s() < end_s:
            self._clock.advance(EVERY_S)
            self._rounds += 1
            at = self._clock.now()
            foul = [(self._rounds + n) // FOUL_FOR % 2 == 0 for n in range(len(SENSORS))]
            self._pipeline.take_in(
                Reading(sensor, at, 5.0 if is_foul else 7.0) for sensor, is_foul in zip(SENSORS, foul, strict=True)
            )
            await asyncio.sleep(0)

    @property
    def logged(self) -> list[int]:
        return [seq for (seq,) in self.rows("SELECT seq FROM alarm_log ORDER BY seq")]

    @property
    def oldest_reading(self) -> int:
        return self.rows("SELECT min(seq) FROM readings")[0][0]

    @property
    def standing(self) -> dict[str, int]:
        """The newest change of each alarm."""
        return {str(change.alarm): change.seq for change in self._pipeline.annunciator.last.values()}

    def rows(self, sql: str) -> list[tuple[int]]:
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as database:
            return database.execute(sql).fetchall()

    async def is_nearly_full(self) -> None:
        while not self.rows("SELECT 1 FROM gaps LIMIT 1"):
            at = self._clock.now()
            self.store.put([checked(0.0, 7.0, sensor=SENSORS[0], moment=at, because="x" * 500)] * 400, [])
            self._clock.advance(400)
            await self.store.commit()


class Outage:
    """How the broker goes away for the hour: it is killed, or the line to it is up and says nothing."""

    def __init__(self, kind: str, broker: Mosquitto, listener: Listener) -> None:
        self._kind = kind
        self._broker = broker
        self._listener = listener
        self.line = TcpProxy(broker.port, b"")
        self.line.start()

    def begins(self) -> None:
        if self._kind == "killed":
            self.line.stop()
            self._broker.kill()
        else:
            self.line.goes_on.clear()

    async def ends(self) -> None:
        if self._kind == "killed":
            await self._broker.serve()
            await self._listener_is_back()  # what a killed broker has forgotten is not the gateway's to tell again
            self.line.start()
        else:
            self.line.goes_on.set()

    async def _listener_is_back(self) -> None:
        async with aiomqtt.Client("127.0.0.1", self._broker.port) as somebody, asyncio.timeout(30):
            while "here" not in self._listener.status:
                await somebody.publish("aqua/somebody/status", json.dumps({"state": "here"}), qos=1)
                await asyncio.sleep(0.1)


@pytest.mark.parametrize("kind", ["killed", "silent"])
async def test_an_hour_without_the_broker_loses_no_change_and_no_order(
    stage: Stage, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is memory for 200 changes: most of the hour has to come from the alarm log."""
    monkeypatch.setattr("agent.feed.changes._MOST_WAITING", 100)
    monkeypatch.setattr("agent.store.store._MOST_UNSENT", 100)
    broker = await stage.broker()
    listener = await stage.listener(broker.port)
    outage, clock = Outage(kind, broker, listener), PatientClock()
    try:
        async with House(stage.folder, outage.line.port, clock) as house:
            await house.is_nearly_full()
            await house.goes_on(120)
            await until(lambda: len(listener.seqs) == len(house.told) > 0, 60, "the broker has all")
            outage.begins()
            await house.goes_on(HOUR_S / 2)
            told, oldest = house.told, house.oldest_reading
        clock.reboot(utc_us=clock.utc_us - 86_400_000_000)  # without a network the clock wakes in the past
        async with House(stage.folder, outage.line.port, clock) as house:
            await house.goes_on(HOUR_S / 2)
            assert house.feed.waiting > 1_000
            await outage.ends()
            await house.goes_on(120)
            told += house.told
            await until(lambda: len(listener.seqs) >= len(told), 90, "the broker has all")
            await house.store.commit()
            assert house.oldest_reading > oldest, "readings made room for changes"
            assert listener.seqs == told == house.logged == sorted(set(told))
            assert (house.feed.waiting, house.feed.dropped) == (0, 0)
            states = await retained(broker.port)
            assert {said["alarm"]: said["seq"] for said in states.values() if "seq" in said} == house.standing
    finally:
        outage.line.stop()
