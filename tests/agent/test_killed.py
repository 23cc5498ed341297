"""Killed at any moment: every reading whose commit returned is there afterwards, once."""

import asyncio
import random
import subprocess
import sys
from pathlib import Path

from agent.store.store import Store, StoreSettings
from cloud_sync.uplink.interfaces import Lane
from tests.agent.farm import held, others
from tests.clock import FakeClock

KILLS = 15

WRITER = """
import asyncio, sys
from pathlib import Path
from agent.store.store import Store, StoreSettings
from tests.agent.farm import change, several
from tests.clock import FakeClock

async def main(path, first):
    store = Store(StoreSettings(Path(path), 8), ["archive"], FakeClock())
    while True:
        store.put(several(first, 7), [change(first)])
        await store.commit()
        first += 7
        print(first - 1, flush=True)

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


async def test_what_a_commit_returned_survives_being_killed(tmp_path: Path) -> None:
    path, uniform = tmp_path / "ring-buffer.sqlite", random.Random(4).uniform
    first, promised = 1, 0
    for _ in range(KILLS):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, path, str(first)], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        promised = int(writer.stdout.readline())
        await asyncio.sleep(uniform(0, 0.05))
        writer.kill()
        lines = writer.communicate()[0].split("\n")
        promised = max([promised, *(int(line) for line in lines[:-1])])

        store = Store(StoreSettings(path, 8), ["archive"], FakeClock())
        there = await held(store)
        changes = await others(store, Lane.ALERTS)
        await store.close()
        assert there == [float(n) for n in range(1, len(there) + 1)]
        assert len(there) >= promised
        assert len(there) % 7 == 0
        assert [change.seq for change in changes] == list(range(1, len(there) + 1, 7))
        first = len(there) + 1
    assert promised > 7 * KILLS
