"""At the tank: looking at lines and probes while the gateway runs, and without one."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agent.flight_recorder import fault_files
from simulators.frames import Request
from simulators.lines.exchange import Reply
from tests.system.processes import ROOT, Gateway, ran
from tests.system.stage import Stage
from tests.system.test_ports import missing_since
from tests.system.waiting import until


@asynccontextmanager
async def tracing(gateway: Gateway, bus: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`bus trace`, ended by Ctrl-C."""
    command = ["-m", "agent", "bus", "trace", bus, "--config", str(gateway.config)]
    pipe = subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, *command, cwd=ROOT, stdout=pipe, stderr=pipe)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 0


async def hears(process: asyncio.subprocess.Process, *words: str) -> None:
    """Read on until a line holds all of `words`."""
    assert process.stdout is not None
    async with asyncio.timeout(20):
        while line := (await process.stdout.readline()).decode():
            if all(word in line for word in words):
                return
    raise AssertionError(f"it ended without {words}")


async def test_a_probe_is_read_through_the_gateway_that_owns_its_port_or_without_one(stage: Stage) -> None:
    farm = await stage.farm()
    gateway = stage.gateway(farm)
    for through in ("directly", "through the running gateway"):
        read = await ran(gateway, "probe", "read", "do-1")
        assert (read.returncode, read.stderr) == (0, "")
        assert through in read.stdout
        seen = json.loads((await ran(gateway, "probe", "read", "tank-1/do-1", "--json")).stdout)
        (exchange,) = seen["exchanges"]
        assert (exchange["address"], exchange["count"], len(exchange["registers"])) == (0, 6, 6)
        assert seen["values"]["temperature"]["unit"] == "°C"
        if through == "directly":
            gateway.start()
            await gateway.stores_more()
    farm.twin("do-1").faults.silence = True
    silent = await ran(gateway, "probe", "read", "do-1")
    assert silent.returncode == 1
    assert "no reply in 0.4 s" in silent.stdout
    unknown = await ran(gateway, "probe", "read", "do-7")
    assert unknown.returncode == 1
    assert "choose one of tank-1/do-1" in unknown.stderr


async def test_a_trace_shows_the_gateways_own_frames_until_ctrl_c(stage: Stage) -> None:
    farm = await stage.farm()
    gateway = stage.gateway(farm)
    gateway.start()
    await gateway.stores_more()
    async with tracing(gateway, "rs485") as trace:
        await hears(trace, "→ unit 1 do-1: read holding 0x0000 ×6")
        await hears(trace, "← unit 1 do-1: ", "dissolved_oxygen", "mg/L")
        farm.twin("ph-1").faults.exception = 4
        await hears(trace, "unit 2 ph-1: refused, device failure (exception 4)")
        farm.twin("ph-1").faults.crc_error = True
        await hears(trace, "✗ CRC error in 02")


async def test_without_a_gateway_the_trace_asks_by_itself_and_leaves_the_port_closed(stage: Stage) -> None:
    farm = await stage.farm()
    gateway = stage.gateway(farm)
    async with tracing(gateway, "rs485") as trace:
        await hears(trace, "← unit 2 ph-1: ", "ph ")
    assert not gateway.database.exists()
    once = await gateway.command("read-once")
    assert once.returncode == 0


async def test_what_went_over_the_wire_before_a_fault_is_kept(stage: Stage) -> None:
    farm = await stage.farm()
    gateway = stage.gateway(farm)
    gateway.start()
    await gateway.stores_more()
    farm.twin("ph-1").faults.silence = True
    faults = stage.folder / "state" / "faults"
    await until(lambda: fault_files(faults), what="the frames are written")
    await until(lambda: fault_files(faults)[0].read_text().endswith("}\n"))
    head, *frames = [json.loads(line) for line in fault_files(faults)[0].read_text().splitlines()]
    assert head["fault"].startswith("tank-1/ph-1: no reply in 0.4 s")
    assert frames[-1]["objection"] == "no reply in 0.4 s"
    assert frames[-2]["hex"].startswith("0203")
    assert any(frame["hex"].startswith("01030c") for frame in frames)
    listed = await ran(gateway, "bus", "faults")
    assert (listed.returncode, listed.stderr) == (0, "")
    assert "tank-1/ph-1: no reply in 0.4 s" in listed.stdout
    shown = await ran(gateway, "bus", "faults", "1")
    assert "← unit 1 do-1: saturation" in shown.stdout
    assert shown.stdout.rstrip().endswith("✗ no reply in 0.4 s")
    assert "see `aqua-gateway bus faults`" in (await ran(gateway, "bus", "faults", "99")).stderr


async def test_a_scan_keeps_off_the_ports_of_the_running_gateway(stage: Stage) -> None:
    farm = await stage.farm()
    gateway = stage.gateway(farm)
    gateway.start()
    await gateway.stores_more()
    seq = gateway.stored()
    for port in (str(stage.folder / "ttyRS485"), f"tcp://127.0.0.1:{farm.port('lan')}"):
        refused = await ran(gateway, "bus", "scan", port)
        assert refused.returncode == 1
        assert "the running gateway gw owns that port" in refused.stderr
    assert missing_since(gateway, seq, "do-1") == 0
    await gateway.stop()
    scanned = await ran(gateway, "bus", "scan", str(stage.folder / "ttyRS485"), "--units", "1-2", "--bauds", "9600")
    assert scanned.returncode == 0
    assert "renke-rs-ldo-n01" in scanned.stdout
    assert "[[probes]]" in scanned.stdout


async def test_ctrl_c_ends_a_scan_with_what_it_found(stage: Stage) -> None:
    farm = await stage.farm()
    gateway = stage.gateway(farm)
    exchange, asked = farm.line("lan").exchange, set()  # type: ignore[union-attr]
    replies = exchange.replies

    def noted(request: Request) -> list[Reply]:
        asked.add(request.unit)
        return replies(request)

    exchange.replies = noted  # type: ignore[method-assign]
    command = ["-m", "agent", "bus", "scan", f"tcp://127.0.0.1:{farm.port('lan')}", "--config", str(gateway.config)]
    pipe = subprocess.PIPE
    scan = await asyncio.create_subprocess_exec(sys.executable, *command, cwd=ROOT, stdout=pipe, stderr=pipe)
    await until(lambda: 3 in asked, what="the factory addresses are done with")  # the whole takes minutes
    scan.send_signal(signal.SIGINT)
    out, _ = await asyncio.wait_for(scan.communicate(), 20)
    assert scan.returncode == 0
    assert "Stopped: not everything was asked" in out.decode()
    assert 'profile = "ysi-odo-ct"' in out.decode()
