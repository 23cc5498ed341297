"""From the start of the process to the first reading on the disk, part by part.

    python -m tests.bench.start [TIMES]

The gateway runs as a service would, over a simulated sonde on Modbus TCP, once with no ring buffer and then with the
one it left, and says READY=1 to a socket, as it does to systemd, when its first reading is durable. Each part is a
process that goes so far and no further: the interpreter; all imports; the configuration, which a child validates. The
rest is the ring buffer, the first poll and its commit. Medians of wall and processor time; the machine is shared, so
believe the latter.
"""

import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.bench.farm_of_sondes import lay_out

_IMPORTS = "import agent.__main__, agent.commands.run"
_CONFIGURATION = f"{_IMPORTS}, sys, pathlib; agent.config.load_apart(pathlib.Path(sys.argv[1]))"
_READY_WITHIN_S = 60


class Took(NamedTuple):
    """Seconds."""

    wall: float
    cpu: float


def _process(*command: str | Path) -> Took:
    cpu, began = _children_cpu(), time.monotonic()
    subprocess.run([sys.executable, *command], check=True)
    return Took(time.monotonic() - began, _children_cpu() - cpu)


def _until_ready(gateway: Path) -> Took:
    """A whole gateway, killed when it is ready: what it did by then is all it did."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(f"{folder}/notify")
        told.settimeout(_READY_WITHIN_S)
        command = [sys.executable, "-m", "agent", "run", str(gateway), "--log-level", "ERROR"]
        cpu, began = _children_cpu(), time.monotonic()
        environment = {**os.environ, "NOTIFY_SOCKET": f"{folder}/notify"}
        child = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)  # it has no broker, and says so
        try:
            while b"READY=1" not in told.recv(4096):
                pass
            wall = time.monotonic() - began
        finally:
            child.kill()
            child.wait()
    return Took(wall, _children_cpu() - cpu)


def _children_cpu() -> float:
    """Of those that have ended, theirs included."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(folder: Path, times: int) -> dict[str, list[Took]]:
    """By what was done from the start on, cumulative."""
    farm, gateway = lay_out(folder, sensors=10)
    took: dict[str, list[Took]] = {}
    with _simulated(farm):
        for _ in range(times):
            took.setdefault("the interpreter", []).append(_process("-c", "pass"))
            took.setdefault("and all imports", []).append(_process("-c", _IMPORTS))
            took.setdefault("and the configuration", []).append(_process("-c", _CONFIGURATION, gateway))
            took.setdefault("first reading stored, new ring buffer", []).append(_until_ready(gateway))
            took.setdefault("first reading stored, the same one again", []).append(_until_ready(gateway))
            for file in (folder / "state").glob("ring-buffer.sqlite*"):
                file.unlink()
    return took


@contextmanager
def _simulated(farm: Path) -> Iterator[None]:
    command = [sys.executable, "-m", "agent", "simulate", str(farm)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        time.sleep(3)
        yield
    finally:
        process.terminate()
        process.wait()


def _median(took: Sequence[Took]) -> Took:
    return Took(statistics.median(one.wall for one in took), statistics.median(one.cpu for one in took))


def main() -> None:
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    print("| from the start of the process to | s | s CPU |\n|---|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        for what, took in measure(Path(folder), times).items():
            wall, cpu = _median(took)
            print(f"| {what} | {wall:.2f} | {cpu:.2f} |", flush=True)


if __name__ == "__main__":
    main()
