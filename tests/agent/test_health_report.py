"""What the gateway tells the cloud of itself: what it knows, and that it does not know the rest."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from threading import Event

import pytest

from agent.domain.alarm import Priority
from agent.domain.gateway_health import GatewayHealth, MachineHealth, SinkHealth
from agent.health_report import EVERY_S, HealthReport, Outlook
from agent.machine import Machine
from agent.store.room import Room
from agent.store.store import StoreSettings
from cloud_sync.uplink.interfaces import Lane, Rejection
from tests.agent.conftest import Opened
from tests.agent.farm import checked, others, settle
from tests.clock import FakeClock

ARCHIVE = SinkHealth("archive", "waiting", 7.5, None, 3, 1, "the disk is away")
HTTP = SinkHealth("http", "idle", None, None, 0, 0, None)


def report_on(path: Path, clock: FakeClock, sinks: Sequence[SinkHealth] = ()) -> HealthReport:
    outlook = Outlook("ok", None, {Priority.WARNING: 2}, sinks)
    return HealthReport(StoreSettings(path, 8), lambda: outlook, lambda _: None, clock)


async def test_it_tells_rate_backlog_and_days_left(tmp_path: Path, opened: Opened) -> None:
    clock = FakeClock()
    store = opened()
    report = report_on(tmp_path / "ring-buffer.sqlite", clock, [ARCHIVE, HTTP])
    store.put([checked(float(n), 7.0) for n in range(100)], [])
    await store.commit()
    first = await report.report()
    assert (first.seq, first.readings_per_s, first.alarms_standing) == (1, None, 2)

    await settle(store, "http", 150)
    store.put([checked(float(n), 7.0) for n in range(100, 200)], [])
    await store.commit()
    clock.advance(50)
    second = await report.report()
    assert (second.seq, second.readings_per_s, second.uptime_s) == (2, 2.0, 50.0)
    assert (second.store.readings, second.store.limit_bytes) == (200, 8_000_000)
    assert [sink.backlog for sink in second.sinks] == [200, 50]
    assert second.sinks[0] == SinkHealth("archive", "waiting", 7.5, 200, 3, 1, "the disk is away")
    # A reading a second, some 40 bytes each, in 8 MB less what the log and the ballast take.
    assert second.store.days_left is not None
    assert 1 < second.store.days_left < 2.3
    assert second.store.used_bytes is not None
    assert 100_000 < second.store.used_bytes <= 8_000_000


async def test_days_left_are_those_of_the_sink_that_waits_longest(tmp_path: Path, opened: Opened) -> None:
    store, path = opened(), tmp_path / "ring-buffer.sqlite"
    store.put([checked(864.0 * n, 7.0) for n in range(101)], [])  # a hundred a day
    await store.commit()
    await settle(store, "http", 101)
    await store.commit()
    waits = await report_on(path, FakeClock()).report()
    await settle(store, "archive", 51)
    await store.commit()
    shorter = await report_on(path, FakeClock()).report()
    assert waits.store.days_left is not None
    assert shorter.store.days_left == pytest.approx(waits.store.days_left + 0.51, abs=0.01)


async def test_what_cannot_be_known_is_said_to_be_unknown(tmp_path: Path) -> None:
    health = await report_on(tmp_path / "away" / "ring-buffer.sqlite", FakeClock(), [ARCHIVE]).report()
    assert (health.store.readings, health.store.days_left, health.readings_per_s) == (None, None, None)
    assert health.sinks[0].backlog is None
    assert health.machine.disk_free_bytes is None


async def test_every_sink_gets_the_newest_report_and_no_older_one(tmp_path: Path, opened: Opened) -> None:
    store, clock = opened(), FakeClock()
    report = report_on(tmp_path / "ring-buffer.sqlite", clock)
    assert not await others(store, Lane.HEALTH)
    store.bulletin.publish(await report.report())
    store.bulletin.publish(newest := await report.report())
    for sink in ("archive", "http"):
        taken = await store.take(sink, Lane.HEALTH, 10)
        assert (taken.after, taken.entries) == (1, [newest])
        await store.settle(sink, Lane.HEALTH, taken.after, 2, [Rejection(2, "no such topic")] if sink == "http" else [])
        assert not await others(store, Lane.HEALTH, sink)
    assert not await others(store, Lane.REPLAY, "http")


async def test_a_report_comes_once_a_minute(tmp_path: Path) -> None:
    class Enough(Exception):
        pass

    def publish(health: GatewayHealth) -> None:
        published.append(health)
        if len(published) == 3:
            raise Enough

    published: list[GatewayHealth] = []
    outlook = Outlook("ok", None, {}, [])
    report = HealthReport(StoreSettings(tmp_path / "none.sqlite"), lambda: outlook, publish, FakeClock())
    with pytest.raises(Enough):
        await report.run()
    assert [health.uptime_s for health in published] == [EVERY_S, 2 * EVERY_S, 3 * EVERY_S]


async def test_who_asks_while_a_report_is_made_gets_that_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Enough(Exception):
        pass

    class Slow(Machine):
        def look(self) -> MachineHealth:
            asked.wait(30)
            return super().look()

    def publish(health: GatewayHealth) -> None:
        published.append(health)
        raise Enough

    monkeypatch.setattr("agent.health_report._WITHIN_S", 60.0)
    asked = Event()
    published: list[GatewayHealth] = []
    outlook = Outlook("ok", None, {}, [])
    settings = StoreSettings(tmp_path / "none.sqlite")
    report = HealthReport(settings, lambda: outlook, publish, FakeClock(), Slow(tmp_path))
    running = asyncio.create_task(report.run())
    asking = asyncio.create_task(report.recent())
    for _ in range(10):
        await asyncio.sleep(0)
    asked.set()
    with pytest.raises(Enough):
        await running
    assert published == [await asking], "between two at once there would be no rate of readings"


def test_the_machine_is_what_the_kernel_tells(tmp_path: Path) -> None:
    def kernel(busy: int, idle: int) -> None:
        (tmp_path / "proc/stat").write_text(f"cpu  {busy} 0 0 {idle} 0 0 0 0 0 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n")

    for folder in ("proc/self", "sys/class/thermal/thermal_zone0"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "proc/self/status").write_text("Name:\tpython\nVmRSS:\t   36864 kB\n")
    (tmp_path / "proc/meminfo").write_text("MemTotal: 1000 kB\nMemAvailable:     500 kB\n")
    (tmp_path / "sys/class/thermal/thermal_zone0/temp").write_text("48312\n")
    kernel(100, 900)
    machine = Machine(tmp_path, tmp_path)
    assert machine.look().cpu_percent is None
    kernel(130, 970)
    seen = machine.look()
    assert seen.cpu_percent == pytest.approx(30)
    assert seen == MachineHealth(seen.disk_free_bytes, seen.cpu_percent, 36864 * 1024, 500 * 1024, 48.312)
    assert seen.disk_free_bytes == pytest.approx(os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize, rel=0.1)


def test_a_machine_that_tells_nothing(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "no disk", tmp_path)
    assert machine.look() == machine.look() == MachineHealth(None, None, None, None, None)


def test_the_real_machine() -> None:
    seen = Machine(Path()).look()
    assert seen.disk_free_bytes
    assert seen.memory_used_bytes
    assert seen.memory_available_bytes


async def test_a_ring_buffer_that_is_damaged_ends_no_report(tmp_path: Path, opened: Opened) -> None:
    """The store salvages it meanwhile; the gateway must not fall over its own report."""
    path = tmp_path / "ring-buffer.sqlite"
    store = opened()
    store.put([checked(float(n), 7.0) for n in range(100)], [])
    await store.close()
    with path.open("r+b") as file:
        file.seek(100)
        file.write(bytes(range(256)) * (path.stat().st_size // 512))
    health = await report_on(path, FakeClock(), [ARCHIVE]).report()
    assert (health.store.readings, health.store.days_left) == (None, None)


async def test_a_disk_that_fails_at_that_moment_ends_no_report(
    tmp_path: Path, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> int:
        raise sqlite3.OperationalError("disk I/O error")

    store = opened()
    store.put([checked(float(n), 7.0) for n in range(100)], [])
    await store.commit()
    monkeypatch.setattr(Room, "missing_bytes", fails)
    health = await report_on(tmp_path / "ring-buffer.sqlite", FakeClock(), [ARCHIVE]).report()
    assert (health.store.readings, health.sinks[0].backlog) == (None, None)


def test_a_sensor_of_the_machine_that_talks_rubbish_is_none(tmp_path: Path) -> None:
    zone = tmp_path / "sys/class/thermal/thermal_zone0"
    zone.mkdir(parents=True)
    for text in ("", "\n", "hot\n", "-\n"):
        (zone / "temp").write_text(text)
        assert Machine(tmp_path, tmp_path).look().temperature_c is None
    (zone / "temp").write_text("-5500\n")
    assert Machine(tmp_path, tmp_path).look().temperature_c == -5.5


def test_the_gateway_does_not_hold_sqlite_utils_in_memory() -> None:
    """It takes some ten megabytes, and only a file of the first version needs it, once."""
    look = "import sys, agent.app; sys.exit('sqlite_utils' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", look]).returncode == 0
