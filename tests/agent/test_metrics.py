"""How the gateway does, in numbers: what is told is so, what nobody knows is not, and a hung disk hides nothing."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from agent import config
from agent.config import ConfigError
from agent.domain.alarm import Priority
from agent.domain.gateway_health import MachineHealth, SinkHealth
from agent.health_report import HealthReport, Outlook
from agent.machine import Machine
from agent.metrics.board import Board
from agent.metrics.exposition import Family, exposition, lines
from agent.metrics.listener import Loopback, MetricsListener
from agent.metrics.loop_lag import LoopLag
from agent.metrics.self_health import SelfHealth
from agent.metrics.worst import Worst
from agent.store.store import StoreSettings
from agent.tasks import cancelled
from agent.views.metrics import machine_lines, machine_troubles
from cloud_sync.uplink.status import State
from tests.agent.gateway_file import right, write
from tests.clock import FakeClock
from tests.services.service import free_port
from tests.system.feed_schemas import channel_of

MQTT = {"broker": "127.0.0.1:1883", "trouble": None, "waiting": 0, "published": 7, "dropped": 0}


WELL = (State.CONNECTING, State.DELIVERING, State.IDLE)


def self_health(
    folder: Path, clock: FakeClock, machine: Machine | None = None, sink_state: str = "waiting"
) -> SelfHealth:
    sinks = [SinkHealth('cl"oud\\', sink_state, 7.5, None, 3, 1, "away")]
    outlook = Outlook("failing", "disk full", {Priority.CRITICAL: 2}, sinks)
    report = HealthReport(StoreSettings(folder / "none.sqlite", 8), lambda: outlook, lambda _: None, clock, machine)
    return SelfHealth("gw", report, lambda: outlook, [], lambda: MQTT, LoopLag(clock), clock, Board(folder))


def samples(text: str) -> dict[tuple[str, str], float]:
    """By name and the value of the only label, as Prometheus's own parser reads them."""
    families = list(text_string_to_metric_families(text))
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in families
        for sample in family.samples
    }


async def test_what_is_known_is_told_and_the_rest_left_out(tmp_path: Path) -> None:
    clock = FakeClock(trusted=False)
    clock_health = self_health(tmp_path, clock)
    clock.advance(90)
    seen = await clock_health.look()
    json.dumps(seen, allow_nan=False)
    told = samples(exposition(seen))
    assert told[("aqua_uptime_seconds", "")] == 90
    assert told[("aqua_clock_trusted", "")] == 0
    assert told[("aqua_store_ok", "")] == 0
    assert told[("aqua_alarms_standing", "")] == told[("aqua_alarms_by_priority", "critical")] == 2
    assert told[("aqua_alarms_by_priority", "warning")] == 0
    assert told[("aqua_mqtt_published_total", "")] == 7
    assert told[("aqua_sink_ok", 'cl"oud\\')] == 0
    assert told[("aqua_sink_backlog_age_seconds", 'cl"oud\\')] == 7.5
    assert not {"aqua_sink_backlog", "aqua_store_readings", "aqua_under_voltage"} & {name for name, _ in told}


async def test_all_of_it_is_told_to_the_broker_once_a_minute_as_described(tmp_path: Path) -> None:
    told: list[str] = []
    telling = asyncio.create_task(self_health(tmp_path, FakeClock()).run(told.append))
    while not told:
        await asyncio.sleep(0.01)
    await cancelled([telling])
    assert json.loads(told[0])["uptime_s"] == 60
    assert channel_of("aqua/gw/metrics", told[0].encode(), retained=True) == "metrics"


@pytest.mark.parametrize(("state", "ok"), [(state.value, state in WELL) for state in State])
async def test_a_sink_that_waits_or_needs_a_person_is_not_well(tmp_path: Path, state: str, ok: bool) -> None:
    seen = await self_health(tmp_path, FakeClock(), sink_state=state).look()
    assert [sink["ok"] for sink in seen["sinks"]] == [ok]


async def test_a_disk_that_hangs_hides_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Hangs(Machine):
        def look(self) -> MachineHealth:
            hanging.wait(30)
            return super().look()

    monkeypatch.setattr("agent.health_report._WITHIN_S", 0.05)
    hanging, clock = threading.Event(), FakeClock()
    health = self_health(tmp_path, clock, Hangs(tmp_path))
    first, second = await asyncio.gather(health.look(), health.look())
    assert first["report_age_s"] is second["report_age_s"] is None
    assert samples(exposition(first))[("aqua_alarms_standing", "")] == 2
    hanging.set()
    while (await health.look())["report_age_s"] is None:
        await asyncio.sleep(0.01)
    clock.advance(3)
    assert (await health.look())["report_age_s"] == 3


@given(st.text(), st.text(), st.floats(allow_nan=False) | st.integers(-(2**53), 2**53))
def test_any_text_and_number_is_read_back_by_prometheus(told: str, label: str, value: float) -> None:
    # The parser splits at every kind of line end, Prometheus itself at \n alone.
    told, label = (" ".join(text.splitlines()) for text in (told, label))
    text = "".join(line + "\n" for line in lines(Family("aqua_x", "gauge", told, [({"sink": label}, value)])))
    (family,) = text_string_to_metric_families(text)
    (sample,) = family.samples
    assert (sample.name, sample.labels, sample.value) == ("aqua_x", {"sink": label}, value)


def test_line_ends_quotes_and_backslashes_are_escaped() -> None:
    (told, _, sample) = lines(Family("x", "gauge", 'a\n"b"\\', [({"l": 'a\n"b"\\'}, 1.5)]))
    assert told == '# HELP x a\\n"b"\\\\'
    assert sample == 'x{l="a\\n\\"b\\"\\\\"} 1.5'


def test_the_board_is_what_the_kernel_tells(tmp_path: Path) -> None:
    def file(name: str, text: str) -> None:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    file("proc/self/io", "rchar: 5\nwrite_bytes: 86400\ncancelled_write_bytes: 0\n")
    file("proc/self/fd/0", "")
    file("sys/devices/platform/soc/soc:firmware/get_throttled", "50004\n")
    assert Board(tmp_path).look(120.0) == {
        "under_voltage": False, "frequency_capped": False, "throttled": True, "hot": False,
        "open_files": 1, "written_bytes": 86400, "written_bytes_per_day": 86400 * 720,
    }  # fmt: skip
    file("sys/class/hwmon/hwmon1/name", "cpu_thermal\n")
    file("sys/class/hwmon/hwmon2/name", "rpi_volt\n")
    file("sys/class/hwmon/hwmon2/in0_lcrit_alarm", "1\n")
    assert Board(tmp_path).look(1.0)["under_voltage"] is True
    assert Board(tmp_path).look(1.0)["written_bytes_per_day"] is None


def test_a_board_that_tells_nothing(tmp_path: Path) -> None:
    assert set(Board(tmp_path).look(1e6).values()) == {None}
    assert Board().look(0.0)["open_files"]


def test_the_worst_is_forgotten_after_two_minutes() -> None:
    worst = Worst()
    assert worst.of_late(1000.0) is None
    worst.note(1000.0, 3.0)
    worst.note(1010.0, 1.0)
    assert worst.of_late(1059.0) == 3.0
    worst.note(1061.0, 2.0)
    assert worst.of_late(1062.0) == 3.0
    assert worst.of_late(1125.0) == 2.0
    assert worst.of_late(1400.0) is None


async def test_a_blocked_loop_is_seen() -> None:
    class Blocked(FakeClock):
        async def sleep(self, seconds: float) -> None:
            await super().sleep(seconds + 0.25)

    lag = LoopLag(clock := Blocked())
    task = asyncio.create_task(lag.run())
    await asyncio.sleep(0.01)
    task.cancel()
    assert lag.worst.of_late(clock.boot) == pytest.approx(0.25)


def test_people_are_told_of_a_weak_supply() -> None:
    board = {"under_voltage": True, "throttled": None, "hot": False, "written_bytes_per_day": 5e8}
    machine = {"cpu_percent": None, "temperature_c": 48.2, "memory_used_bytes": 4e7, "disk_free_bytes": None}
    bus = {"name": "rs485", "polls": 200, "failures": 1, "errors": 1, "busy_percent": 61.6, "late_s": 0.04}
    metrics: dict[str, Any] = {"board": board, "machine": machine, "loop": {"lag_s": 0.003}, "buses": [bus]}
    assert machine_troubles(metrics)[0].startswith("the power supply is too weak")
    assert len(machine_troubles(metrics)) == 1
    assert machine_lines(metrics) == [
        "Machine      48 °C, 40 MB of memory, 500 MB written a day, loop 3 ms late at worst",
        "Bus rs485    in use 62 % of the time, 200 polls, 1.0 % failed, 0.0 s late at worst",
    ]
    assert machine_troubles({"unanswered": "no answer"}) == ["no answer"]
    assert machine_troubles(None) == machine_lines(None) == []


@asynccontextmanager
async def listening(place: Loopback | Path, health: SelfHealth) -> AsyncIterator[None]:
    task = asyncio.create_task(MetricsListener(place, health.look).run())
    await asyncio.sleep(0.05)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


async def asked(place: Loopback | Path, request: bytes) -> bytes:
    connect = asyncio.open_unix_connection(place) if isinstance(place, Path) else asyncio.open_connection(*place)
    reader, writer = await connect
    writer.write(request)
    answer = await reader.read()
    writer.close()
    return answer


async def test_prometheus_is_answered_on_a_port_or_a_socket(tmp_path: Path) -> None:
    health = self_health(tmp_path, FakeClock())
    for place in (Loopback("127.0.0.1", free_port()), tmp_path / "m.sock"):
        async with listening(place, health):
            answer = await asked(place, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
            head, _, body = answer.decode().partition("\r\n\r\n")
            assert head.startswith("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4")
            assert samples(body)[("aqua_alarms_standing", "")] == 2
            assert (await asked(place, b"GET / HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 404")
            assert (await asked(place, b"POST /metrics HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 405")
            assert (await asked(place, b"\r\n\r\n")).startswith(b"HTTP/1.1 404")
            assert await asked(place, b"x" * 20_000) == b""
    assert not (tmp_path / "m.sock").exists()


async def test_a_port_that_is_taken_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    place, health = Loopback("127.0.0.1", free_port()), self_health(tmp_path, FakeClock())
    async with listening(place, health), listening(place, health):
        assert "Address already in use" in caplog.text


@pytest.mark.parametrize("place", ["0.0.0.0:9464", "[::]:9464", "192.168.1.5:80", "localhost:9464", "127.0.0.1:0"])
def test_nobody_outside_this_machine_may_ask(tmp_path: Path, place: str) -> None:
    with pytest.raises(ConfigError, match=r"metrics\.listen"):
        config.load(write(tmp_path, right() | {"metrics": {"listen": place}}))


def test_where_prometheus_may_ask(tmp_path: Path) -> None:
    def place(**metrics: str) -> Loopback | Path | None:
        return config.load(write(tmp_path, right() | {"metrics": metrics})).metrics

    assert place() is None
    assert place(listen="127.0.0.1:9464") == Loopback("127.0.0.1", 9464)
    assert place(listen="[::1]:9464") == Loopback("::1", 9464)
    assert place(listen="unix:metrics.sock") == tmp_path / "state" / "metrics.sock"
    for wrong in ("unix:", "unix:../x", "unix:/tmp/x", "unix:gateway.sock"):
        with pytest.raises(ConfigError, match="no name for a socket"):
            place(listen=wrong)
