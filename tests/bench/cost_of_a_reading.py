"""What a reading costs: CPU by stage, beside a bare pymodbus loop of the same run, and by number of sensors.

Every process but the measured one is a simulated farm of sondes over Modbus TCP, each probe ten floats once a second.
CPU is what the kernel charged the process (all threads, user and system); memory is its resident set.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agent import config
from agent.store.inspection.reader import Reader
from tests.bench.farm_of_sondes import free_port, lay_out

STAGES = ("bare", "poll", "check", "store", "archive")
_WARM_UP_S = 6.0


@contextmanager
def simulated(folder: Path, sensors: int) -> Iterator[Path]:
    """A running farm of `sensors`; yields its gateway.toml."""
    farm, gateway = lay_out(folder, sensors)
    process = subprocess.Popen([sys.executable, "-m", "agent", "simulate", str(farm)], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()  # its first line comes when it serves
        time.sleep(0.5)
        yield gateway
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(10)


def by_stage(seconds: float) -> None:
    """200 sensors: CPU µs a reading, stage upon stage."""
    print(f"\n20 probes × 10 sensors at 1 Hz over Modbus TCP, {seconds:.0f} s a stage\n")
    print("| up to and including | µs CPU a reading | this stage | × bare loop |")
    print("|---|---:|---:|---:|")
    bare = before = 0.0
    with tempfile.TemporaryDirectory() as folder, simulated(Path(folder) / "farm", 200) as gateway:
        for stage in STAGES:
            cost = one_stage(stage, gateway, seconds)
            bare = bare or cost
            name = "bare pymodbus loop" if stage == "bare" else stage
            print(f"| {name} | {cost:.1f} | {cost - before:.1f} | {cost / bare:.1f} |", flush=True)
            before = 0.0 if stage == "bare" else cost


def by_size(seconds: float, sizes: tuple[int, ...] = (10, 100, 1000)) -> None:
    """The whole `aqua-gateway run`, as a process beside a real broker: CPU and memory by number of sensors."""
    print(f"\n`aqua-gateway run` with broker and archive, every sensor once a second, {seconds:.0f} s each\n")
    print("| sensors | µs CPU a reading | bare loop, µs | CPU of one core | resident MiB |")
    print("|---:|---:|---:|---:|---:|")
    for sensors in sizes:
        with tempfile.TemporaryDirectory() as folder, simulated(Path(folder) / "farm", sensors) as gateway:
            bare = one_stage("bare", gateway, seconds)
            cost, mib = whole_gateway(gateway, sensors, seconds)
        share = cost * sensors / 1e6
        print(f"| {sensors:,} | {cost:.1f} | {bare:.1f} | {share:.2%} | {mib:.1f} |", flush=True)


def one_stage(stage: str, gateway: Path, seconds: float) -> float:
    """µs of CPU a reading, up to and including that stage."""
    command = [sys.executable, "-m", "tests.bench.stage", stage, str(gateway), str(seconds)]
    seen = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return float(seen["cpu_s"] / seen["readings"] * 1e6)


def whole_gateway(gateway: Path, sensors: int, seconds: float) -> tuple[float, float]:
    """µs of CPU a reading, and MiB resident."""
    port = free_port()
    broker = subprocess.Popen([mosquitto(), "-p", str(port)], stderr=subprocess.DEVNULL)
    command = [sys.executable, "-m", "agent", "run", str(gateway), "--log-level", "ERROR"]
    process = subprocess.Popen(command, env=os.environ | {"AQUA_MQTT__PORT": str(port)})
    try:
        time.sleep(_WARM_UP_S)
        before, began = cpu_s(process.pid), time.monotonic()
        time.sleep(seconds)
        spent, elapsed = cpu_s(process.pid) - before, time.monotonic() - began
        status = Path(f"/proc/{process.pid}/status").read_text()
        mib = int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024
    finally:
        for running in (process, broker):
            running.terminate()
            running.wait(10)
    stored = int(Reader(config.load(gateway).store.path).counts()["held"])
    if stored < 0.95 * sensors * (elapsed + _WARM_UP_S - 3):
        raise RuntimeError(
            f"only {stored} readings were stored: this machine is too slow for {sensors} sensors at 1 Hz"
        )
    return spent / (sensors * elapsed) * 1e6, mib


def mosquitto() -> str:
    """The broker's program; Debian puts it where only root's PATH leads."""
    found = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        raise SystemExit("The bench needs Mosquitto: apt install mosquitto")
    return found


def cpu_s(pid: int) -> float:
    """CPU time of all threads of a process, from the scheduler's own account (nanoseconds)."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9
