"""One stage of the gateway in a process of its own: `python -m tests.bench.stage STAGE GATEWAY.toml SECONDS`.

Prints a line of JSON: CPU seconds spent and readings made after a warm-up, and the resident memory at the end in MiB.
Stages: `bare` (a loop of the pymodbus client reading the same registers), `poll`, `check` (poll and check),
`store` (and the ring buffer), `archive` (and the archive sink: the whole gateway but for its broker).
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from random import Random

from pymodbus.client import AsyncModbusTcpClient

from agent import config
from agent.app import App
from agent.clock import SystemClock
from agent.domain.farm import TcpEndpoint
from agent.domain.reading import Reading
from agent.garbage import look_for_circles_seldom

_WARM_UP_S = 3.0


class Count:
    """Readings that came through."""

    def __init__(self) -> None:
        self.readings = 0


async def bare(gateway: config.Gateway, count: Count) -> None:
    """What any poller pays: the pymodbus client, a probe a request, a float a register pair, once a period."""
    port = gateway.buses[0].port
    assert isinstance(port, TcpEndpoint)
    client = AsyncModbusTcpClient(port.host, port=port.port)
    await client.connect()
    period_s = gateway.probes[0].period_s
    due = time.monotonic()
    while True:
        for probe in gateway.probes:
            answer = await client.read_holding_registers(0, count=2 * len(probe.sensors), device_id=int(probe.unit))
            values = client.convert_from_registers(answer.registers, client.DATATYPE.FLOAT32)
            count.readings += len(values) if isinstance(values, list) else 1
        due += period_s
        await asyncio.sleep(max(0.0, due - time.monotonic()))


async def gateway_up_to(stage: str, gateway: config.Gateway, count: Count) -> None:
    app = App(gateway, SystemClock(), Random(1))
    take_in = app.pipeline.take_in

    def taken(readings: Sequence[Reading]) -> None:
        count.readings += len(readings)
        if stage != "poll":
            take_in(readings)

    for loop in app.loops:
        loop._take_in = taken
    if stage == "check":
        app.pipeline._keep = _discard
    async with asyncio.TaskGroup() as group:
        for loop in app.loops:
            group.create_task(loop.run())
        if stage in ("store", "archive"):
            group.create_task(app.store.run())
        if stage == "archive":
            for forwarder in app.forwarders:
                group.create_task(forwarder.run())


def _discard(readings: Iterable[object], changes: Sequence[object]) -> None:
    pass


async def measure(stage: str, path: Path, seconds: float) -> None:
    gateway, count = config.load(path), Count()
    running = asyncio.ensure_future(bare(gateway, count) if stage == "bare" else gateway_up_to(stage, gateway, count))
    await asyncio.wait([running], timeout=_WARM_UP_S)
    cpu, readings = time.process_time(), count.readings
    await asyncio.wait([running], timeout=seconds)
    cpu, readings = time.process_time() - cpu, count.readings - readings
    memory = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
    if running.done():
        running.result()  # it ends only by an exception
    print(json.dumps({"cpu_s": cpu, "readings": readings, "mib": int(memory.split()[1]) / 1024}), flush=True)
    os._exit(0)  # nothing here is worth an orderly end


if __name__ == "__main__":
    look_for_circles_seldom()
    asyncio.run(measure(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])))
