"""A recorded river day through the whole line: probe bytes → checks → ring buffer → MQTT → archive and HTTP.

The day passes `SPEED` times as fast: the water and the gateway's clock alike, so that rates, windows and stored times
are the river's own. Prints what came of it: `python -m tests.bench.recorded_day`.
"""

import asyncio
import gzip
import json
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import aiomqtt

import simulators
from agent import config
from agent.app import App
from agent.domain.clock import Instant
from agent.domain.farm import TcpEndpoint
from agent.domain.secret import Secret
from agent.store.inspection.extract import extract
from agent.store.inspection.reader import Reader
from cloud_sync.uplink.http import HttpSink
from simulators.broker import Broker
from simulators.clock import Clock as FarmClock
from simulators.farm import Farm, load
from simulators.ingest import IngestServer
from tests.bench.farm_of_sondes import free_port

SPEED = 3600.0
_FARM = Path(simulators.__file__).parent / "farms" / "recorded_day"
_MIDNIGHT = datetime(2019, 6, 28, 7, tzinfo=UTC)  # local standard time of the site is UTC-7
_ROWS = 96
_ROW_S = 900.0


class FastClock:
    """Implements `agent.domain.clock.Clock`: time runs `speed` times as fast, from `start` on."""

    def __init__(self, start: datetime, speed: float) -> None:
        self._start_us = round(start.timestamp() * 1e6)
        self._speed = speed
        self._began = time.monotonic()

    def boot_s(self) -> float:
        return (time.monotonic() - self._began) * self._speed

    def now(self) -> Instant:
        boot_s = self.boot_s()
        return Instant(self._start_us + round(boot_s * 1e6), boot_s, "recorded-day", True)

    def not_before(self, utc_us: int) -> None:
        """That day is believed."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._speed)


class FastWater(FarmClock):
    """The farm's clock for such a day: the probes' electronics are as fast as the water, lest they hold old values."""

    @property
    def device_s(self) -> float:
        return self.simulated_s


@dataclass(slots=True)
class Outcome:
    """What came of the day. `lost` are stored readings that a sink does not have; `doubled` those it has twice."""

    flags: Mapping[int, int]
    alarms: list[dict[str, Any]]
    mqtt_events: int
    delivered: Mapping[str, int]
    lost: Mapping[str, int]
    doubled: Mapping[str, int]
    stored: list[dict[str, Any]]


async def run_day(folder: Path, speed: float = SPEED) -> Outcome:
    """The whole day in `folder`, which gets the ring buffer and the archive."""
    farm_file = load(_FARM / "farm.toml")
    lan = farm_file.lines["lan"].model_copy(update={"tcp": 0})
    farm_file = farm_file.model_copy(update={"speed": speed, "lines": {"lan": lan}})
    with IngestServer(0, "key") as cloud:
        async with (
            Broker(free_port()) as broker,
            Farm(farm_file, FastWater(speed)) as farm,
            _events(broker.port) as events,
        ):
            gateway = _gateway(folder, farm.port("lan"), broker.port, cloud.url)
            await _read_the_day(gateway, speed)
            await _deliver_the_rest(gateway, speed)
        sinks = {"archive": _archived(folder), "http": [dict(record) for record in cloud.records]}
        doubled = {"archive": 0, "http": cloud.received.duplicates}
    with closing(Reader(gateway.store.path)) as reader:
        stored = list(extract(reader, "readings", 0, 2**62, lambda seq: None))
        changes = reader.alarm_changes(1000)
    return _outcome(stored, changes, events, sinks, doubled)


async def _read_the_day(gateway: config.Gateway, speed: float) -> None:
    """96 polls, each in the middle of a row of the recording."""
    clock = FastClock(_MIDNIGHT, speed)
    await clock.sleep(_ROW_S / 2)
    app = App(gateway, clock, Random(1))
    running = asyncio.ensure_future(app.run())
    await clock.sleep((_ROWS - 0.5) * _ROW_S)
    app.stop()
    await running


async def _deliver_the_rest(gateway: config.Gateway, speed: float) -> None:
    """The gateway started again, without probes, until no sink has a backlog."""
    app = App(replace(gateway, probes=[]), FastClock(_MIDNIGHT + timedelta(days=1), speed), Random(1))
    running = asyncio.ensure_future(app.run())
    with closing(Reader(gateway.store.path)) as reader:
        while any(sink["backlog"] for sink in reader.deliveries()):
            await asyncio.sleep(0.05)
    app.stop()
    await running


def _gateway(folder: Path, modbus_port: int, mqtt_port: int, url: str) -> config.Gateway:
    """The farm's own gateway.toml, with the ports of this run and an HTTP sink beside the archive."""
    shutil.copy(_FARM / "gateway.toml", folder)
    gateway = config.load(folder / "gateway.toml")
    http = config.SinkChoice("http", "http", HttpSink.Settings(url, Secret("key", "this run"), linger_s=0))
    return replace(
        gateway,
        buses=[replace(bus, port=TcpEndpoint("127.0.0.1", modbus_port), timeout_s=0.1) for bus in gateway.buses],
        mqtt=replace(gateway.mqtt, port=mqtt_port),
        sinks=[*gateway.sinks, http],
    )


@asynccontextmanager
async def _events(port: int) -> AsyncIterator[list[str]]:
    """Every alarm event that an MQTT client of its own receives meanwhile."""
    events: list[str] = []
    async with aiomqtt.Client("127.0.0.1", port) as client:
        await client.subscribe("aqua/+/alarm/event", qos=1)

        async def listen() -> None:
            async for message in client.messages:
                events.append(str(message.payload))

        listening = asyncio.ensure_future(listen())
        yield events
        listening.cancel()


def _archived(folder: Path) -> list[dict[str, Any]]:
    files = sorted((folder / "archive" / "sensor-readings").glob("*.jsonl.gz"))
    return [json.loads(line) for file in files for line in gzip.decompress(file.read_bytes()).splitlines()]


def _outcome(
    stored: list[dict[str, Any]],
    changes: list[dict[str, Any]],
    events: list[str],
    sinks: Mapping[str, list[dict[str, Any]]],
    doubled: dict[str, int],
) -> Outcome:
    wanted = {(row["sensor_id"], row["time_utc"]) for row in stored}
    lost = {}
    for sink, records in sinks.items():
        got = [(record["sensor_id"], record["time"]) for record in records if "quality_score" in record]
        lost[sink] = len(wanted - set(got))
        doubled[sink] += len(got) - len(set(got))
    flags = Counter(row["flag"] for row in stored)
    delivered = {sink: len(wanted) - missing for sink, missing in lost.items()}
    return Outcome(flags, changes, len(events), delivered, lost, doubled, stored)


def _print(outcome: Outcome) -> None:
    names = {1: "good", 2: "not evaluated", 3: "suspect", 4: "fail", 9: "missing"}
    print(f"readings stored: {len(outcome.stored)}")
    print("flags: " + ", ".join(f"{count} {names[flag]}" for flag, count in sorted(outcome.flags.items())))
    raised = sum(change["change"] == "raised" for change in outcome.alarms)
    print(f"alarms: {raised} raised, {len(outcome.alarms) - raised} cleared, {outcome.mqtt_events} events on MQTT")
    for sink in outcome.delivered:
        print(f"{sink}: {outcome.delivered[sink]} delivered, {outcome.lost[sink]} lost, {outcome.doubled[sink]} twice")
    for change in reversed(outcome.alarms):
        print(f"  {change['time_utc'][11:16]} {change['change']:<7} {change['message']}")
    reasons = Counter(
        (row["sensor_type"], row["flag"], (row["because"] or "").partition(":")[0])
        for row in outcome.stored
        if row["flag"] > 1
    )
    for (sensor_type, flag, check), count in sorted(reasons.items()):
        print(f"  {sensor_type}: {count} × flag {flag}, {check}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as day:
        _print(asyncio.run(run_day(Path(day))))
