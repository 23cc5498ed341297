"""`python -m tests.bench.outage.fill FOLDER READINGS`: what the gateway stored while no sink took anything.

Prints a line of JSON: seconds it took, size of the file in MB, and the boot second at which the outage ends.
"""

import asyncio
import json
import sys
import time
from pathlib import Path

from agent.store.store import Store, StoreSettings
from tests.bench.readings import PER_SECOND, Readings
from tests.bench.simulated_time import SimulatedTime

SINKS = ("http", "http-30ms", "archive", "timescale", "kafka", "kafka-bare")
_A_COMMIT_S = 1000


def settings(folder: Path) -> StoreSettings:
    return StoreSettings(folder / "ring-buffer.sqlite", size_mb=4096)


async def fill(folder: Path, count: int) -> float:
    """Returns the boot second after the last reading."""
    clock = SimulatedTime()
    store, readings = Store(settings(folder), SINKS, clock), Readings()
    for second in range(1, count // PER_SECOND + 1):
        for probe in (0, 1):
            store.put(readings.turn(probe, clock.now()), [])
            clock.leap(0.5)
        if second % _A_COMMIT_S == 0:
            await store.commit()
    await store.close()
    return clock.boot_s()


def main(folder: Path, count: int) -> None:
    began = time.monotonic()
    boot_s = asyncio.run(fill(folder, count))
    megabytes = settings(folder).path.stat().st_size / 1e6
    print(json.dumps({"seconds": time.monotonic() - began, "mb": megabytes, "boot_s": boot_s}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
