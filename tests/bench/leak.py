"""Whether anything grows: readings at full speed through checks, alarms, ring buffer and forwarder to a sink that fails
now and then; resident memory and file descriptors along the way.

    python -m tests.bench.leak [READINGS]

A hundred oxygen sensors, a reading every five simulated seconds each. Checks remember up to a day, 1.7 million readings
of these, so what has grown by then is what they hold, and is not counted. A tenth of the readings are missing, a few
are out of limits, one send in a hundred finds the sink away; the ring buffer comes full circle several times.
"""

import asyncio
import gc
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from uuid import UUID

from agent.checks.defaults import limits_for
from agent.checks.sensor_checks import farm_checks
from agent.domain.alarm import Alarm, AlarmKind, Priority
from agent.domain.errors import SinkUnavailable
from agent.domain.farm import Probe, Sensor, Span, Tank
from agent.domain.quantity import Quantity
from agent.domain.reading import Reading
from agent.pipeline import Pipeline
from agent.store.store import Store, StoreSettings
from cloud_sync.contract.record import Record
from cloud_sync.uplink.forwarder import Forwarder
from cloud_sync.uplink.interfaces import Batching, Delivery
from tests.bench.simulated_time import SimulatedTime

SENSORS = 100
PERIOD_S = 5.0
_TANK = Tank("tank-1", UUID(int=1))
_LOOKS = 20


@dataclass(frozen=True, slots=True)
class Look:
    """After so many readings."""

    readings: int
    delivered: int
    mib: float
    files: int


class Faltering:
    """A sink that takes everything, but one send in a hundred."""

    batching = Batching(1000, linger_s=10.0)

    def __init__(self, random: Random) -> None:
        self._random = random
        self.delivered = 0

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def send(self, batch: Sequence[Record]) -> Delivery:
        if self._random.random() < 0.01:
            raise SinkUnavailable("away")
        self.delivered += len(batch)
        return Delivery()


async def run(folder: Path, rounds: int, tell: Callable[[Look], None] = lambda look: None) -> list[Look]:
    """Every sensor measures once a round; `_LOOKS` looks at even distances."""
    time, random = SimulatedTime(), Random(1)
    sensors = [
        Sensor(UUID(int=100 + n), _TANK, f"do-{n}", "oxygen", Quantity.DISSOLVED_OXYGEN, Span(0, 20))
        for n in range(SENSORS)
    ]
    probes = [Probe(sensor.probe, _TANK, "rs485", "any", 1, PERIOD_S, (sensor,)) for sensor in sensors]
    limits = limits_for(Quantity.DISSOLVED_OXYGEN)
    alarms = [Alarm(sensor, AlarmKind.LOW, Priority.WARNING, 6.0, 0.3, 5.0, 10.0) for sensor in sensors]
    store, sink = Store(StoreSettings(folder / "ring-buffer.sqlite", 64), ["cloud"], time), Faltering(random)
    pipeline = Pipeline(farm_checks(probes, dict.fromkeys(sensors, limits)), alarms, store.put, lambda changes: None)
    parts = [store.run(), Forwarder("cloud", sink, store, "gw", time).run()]
    running = [asyncio.ensure_future(part) for part in parts]
    looks: list[Look] = []
    for number in range(1, rounds + 1):
        at = time.now()
        for sensor in sensors:
            value = None if random.random() < 0.1 else round(random.gauss(7.5, 0.5), 2)
            pipeline.take_in([Reading(sensor, at, value, None if value is not None else "no reply in 0.5 s")])
        await time.go_on(PERIOD_S, lambda: store._call(_nothing))
        if number * _LOOKS // rounds > len(looks):
            looks.append(_look(number * SENSORS, sink.delivered))
            tell(looks[-1])
    for task in running:
        task.cancel()
    await asyncio.wait(running)
    await store.close()
    return looks


def _nothing() -> None:
    pass


def _look(readings: int, delivered: int) -> Look:
    gc.collect()
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    kib = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
    return Look(readings, delivered, kib / 1024, len(list(Path("/proc/self/fd").iterdir())))


def main() -> None:
    readings = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    print("| readings | delivered | simulated hours | resident MiB | open files |\n|---:|---:|---:|---:|---:|")

    def tell(look: Look) -> None:
        hours = look.readings / SENSORS * PERIOD_S / 3600
        print(f"| {look.readings:,} | {look.delivered:,} | {hours:.0f} | {look.mib:.1f} | {look.files} |", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder), readings // SENSORS, tell))


if __name__ == "__main__":
    main()
