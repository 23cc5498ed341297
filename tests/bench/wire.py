"""How much of a serial line's time is used: `python -m tests.bench.wire` (`make bench-wire`), about six minutes.

Eight probes are polled as fast as it goes over a pty on which characters take their time and a frame that comes before
3.5 characters of silence is lost. The limit is computed: request, silence, reply, silence, and nothing else. Then one
of the eight is dead, and the others are compared with the same seven alone.

The line and the gateway are processes of their own, before all others on this machine where that is allowed (root).
A shared machine still takes whole milliseconds away now and then: so the table has the median request beside the mean.
A pty takes its time, too, which no wire does: so a bare loop that does nothing but write, read and wait for the silence
is measured on the same line. What it does not reach is the simulation's, what the gateway lacks of it is ours.
"""

import asyncio
import json
import os
import select
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from random import Random
from uuid import UUID

import serial

from agent.clock import SystemClock
from agent.domain.farm import BusSettings, Probe, Protocol, Sensor, SerialLine, Tank
from agent.domain.quantity import Quantity
from agent.domain.reading import Reading
from agent.garbage import look_for_circles_seldom
from agent.polling import BusLoop
from agent.timers import precise_loop
from drivers.bus.modbus import ModbusLine
from drivers.bus.timing import character_s, frame_gap_s
from drivers.decoding import Table
from drivers.interfaces import Space
from drivers.probes.modbus_table import TableDriver
from drivers.registers import Place, Register
from simulators.frames import rtu_frame
from simulators.lines import PtyLine
from simulators.twins.generic import GenericSonde
from tests.simulators.stage import twin_in

BAUDS = (9600, 115200)
PROBES = 8
VALUES = (1, 10, 60)
"""Floats a probe: a single value, a sonde, and nearly all that fits into a request."""

_AS_FAST_AS_IT_GOES_S = 0.001
_WARM_UP_S = 1.5
_LONG_S = 100


def throughput(seconds: int) -> None:
    print(f"\n{PROBES} probes on one line, as fast as it goes, {seconds} s each\n")
    print(
        "| baud | registers a request | requests/s | limit | registers/s | of the limit | its median | a bare loop's |"
    )
    print("|---:|---:|---:|---:|---:|---:|---:|---:|")
    for baud in BAUDS:
        for values in VALUES:
            least_s = transaction_s(SerialLine("", baud), 2 * values)
            times = answers(baud, values, range(1, PROBES + 1), PROBES, seconds)
            median_s, bare_s = median_of(times), median_of(answers(baud, values, [1], 0, seconds))
            rate = (len(times) - 1) / (times[-1] - times[0])
            print(
                f"| {baud:,} | {2 * values} | {rate:.1f} | {1 / least_s:.1f} | {2 * values * rate:,.0f} "
                f"| {rate * least_s:.1%} | {least_s / median_s:.1%} | {least_s / bare_s:.1%} |",
                flush=True,
            )


def median_of(times: Sequence[float]) -> float:
    return statistics.median(after - before for before, after in pairwise(times))


def with_a_dead_one(values: int = 10) -> None:
    print(f"\nOne of {PROBES} probes is dead, {_LONG_S} s from its first turn\n")
    print("| baud | the other seven, answers/s | the seven alone | lost |")
    print("|---:|---:|---:|---:|")
    for baud in BAUDS:
        living = range(1, PROBES)
        alone, beside = (
            len(answers(baud, values, living, polled, _LONG_S, 0)) / _LONG_S for polled in (PROBES - 1, PROBES)
        )
        print(f"| {baud:,} | {beside:.1f} | {alone:.1f} | {1 - beside / alone:.1%} |", flush=True)


def transaction_s(line: SerialLine, registers: int) -> float:
    """The least time from one request to the next: 8 characters, silence, 5 characters and the registers, silence."""
    return (8 + 5 + 2 * registers) * character_s(line) + 2 * frame_gap_s(line)


def answers(
    baud: int, values: int, living: Collection[int], polled: int, seconds: int, warm_up_s: float = _WARM_UP_S
) -> list[float]:
    """When answers came, in seconds, while the units 1 to `polled` are polled and those `living` are there; by the bare
    loop when none is polled.
    """
    with tempfile.TemporaryDirectory() as folder, line(Path(folder) / "tty", baud, values, living) as link:
        asked = run("gateway" if polled else "bare", link, baud, values, polled, seconds, warm_up_s)
        found: list[float] = json.loads(asked.stdout.read() if asked.stdout else "")
        asked.wait()
    return found


@contextmanager
def line(link: Path, baud: int, values: int, living: Collection[int]) -> Iterator[Path]:
    process = run("line", link, baud, values, ",".join(map(str, living)))
    try:
        assert process.stdout is not None
        process.stdout.readline()  # it serves
        yield link
    finally:
        process.terminate()
        process.wait(10)


def run(part: str, *details: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.bench.wire", part, *map(str, details)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


async def serve(link: str, baud: str, values: str, living: str) -> None:
    twins = [twin_in(GenericSonde, unit=int(unit)) for unit in living.split(",")]
    for twin in twins:
        twin.sensors = int(values)
    await PtyLine(Path(link), twins, int(baud)).plug()
    print("serving", flush=True)
    await asyncio.Event().wait()


async def poll(link: str, baud: str, values: str, polled: str, seconds: str, warm_up_s: str) -> None:
    clock = SystemClock()
    bus = ModbusLine(BusSettings("line", Protocol.MODBUS_RTU, SerialLine(link, int(baud))), clock)
    drivers = {probe(unit, int(values)): driver(bus, unit, int(values)) for unit in range(1, int(polled) + 1)}
    answered: list[float] = []

    def take_in(readings: Sequence[Reading]) -> None:
        if readings[0].value is not None:
            answered.append(clock.boot_s())

    polling = asyncio.ensure_future(BusLoop(bus, drivers, take_in, clock, Random(1)).run())
    await clock.sleep(float(warm_up_s))
    answered.clear()
    await clock.sleep(float(seconds))
    polling.cancel()
    print(json.dumps(answered), flush=True)


async def ask_barely(link: str, baud: str, values: str, polled: str, seconds: str, warm_up_s: str) -> None:
    settings, request = SerialLine(link, int(baud)), rtu_frame(1, bytes((3, 0, 0, 0, 2 * int(values))))
    answered: list[float] = []
    with serial.Serial(link, int(baud)) as port:
        until = time.monotonic() + float(seconds)
        while time.monotonic() < until:
            os.write(port.fileno(), request)
            left = 5 + 4 * int(values)
            while left:
                select.select([port.fileno()], [], [])
                left -= len(os.read(port.fileno(), left))
            answered.append(time.monotonic())
            while time.monotonic() < answered[-1] + frame_gap_s(settings):
                pass
    print(json.dumps(answered), flush=True)


PARTS: dict[str, Callable[..., Coroutine[None, None, None]]] = {"line": serve, "gateway": poll, "bare": ask_barely}


def probe(unit: int, values: int) -> Probe:
    tank = Tank("tank-1", UUID(int=1))
    sensors = tuple(
        Sensor(UUID(int=1000 * unit + at), tank, f"sonde-{unit}", f"c{at}", Quantity.TEMPERATURE, None)
        for at in range(values)
    )
    return Probe(f"sonde-{unit}", tank, "line", "sonde", unit, _AS_FAST_AS_IT_GOES_S, sensors)


def driver(bus: ModbusLine, unit: int, values: int) -> TableDriver:
    places = [Place(Space.HOLDING, 2 * at, "float32") for at in range(values)]
    table = Table([Register(f"c{at}", place, Quantity.TEMPERATURE, "°C") for at, place in enumerate(places)])
    return TableDriver(table, bus, unit)


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in PARTS:
        with suppress(PermissionError):
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        look_for_circles_seldom()
        with asyncio.Runner(loop_factory=precise_loop) as runner:
            runner.run(PARTS[sys.argv[1]](*sys.argv[2:]))
    else:
        throughput(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
        with_a_dead_one()
