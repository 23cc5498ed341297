"""The process that packs a backlog: what it makes, how small it is, and when it ends."""

import asyncio
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cloud_sync.uplink.archive_packing import ArchivePacking
from cloud_sync.uplink.http_packing import HttpPacking
from cloud_sync.uplink.packing_process import Pack, PackingProcess
from tests.cloud_sync.things import GATEWAY, records

PACKINGS: dict[str, Pack] = {
    "archive": ArchivePacking(6),
    "http": HttpPacking(GATEWAY),
}


def is_alive(pid: int) -> bool:
    """Runs, or waits to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def until(what: Callable[[], object], within_s: float = 20.0) -> None:
    deadline = time.monotonic() + within_s
    while not what():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("packing", PACKINGS.values(), ids=PACKINGS)
async def test_the_other_process_packs_to_the_byte_what_we_do(packing: Pack) -> None:
    process = await PackingProcess.begun()
    await process.learn(packing)
    try:
        for batch in (records(1, 20), records(21, 22)):
            assert pickle.loads(await process.begin(batch)) == packing(batch)  # noqa: S301
    finally:
        await process.end()


def test_what_packs_is_small_to_import() -> None:
    modules = [*(type(packing).__module__ for packing in PACKINGS.values()), "cloud_sync.uplink.packing_child"]
    script = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    imported = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not {"asyncio", "httpx", "confluent_kafka", "psycopg", "sqlite3", "pydantic"} & set(imported)


async def test_the_other_process_stays_small() -> None:
    process = await PackingProcess.begun()
    await process.learn(HttpPacking(GATEWAY))
    try:
        batch = records(1, 1000)
        for _ in range(30):
            assert await process.begin(batch)
        status = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
    finally:
        await process.end()
    assert sum(int(line.split()[1]) for line in status if line.startswith("Private")) < 16 * 1024


async def test_it_ends_with_us_whatever_ends_us() -> None:
    script = """
import asyncio
from cloud_sync.uplink.http_packing import HttpPacking
from cloud_sync.uplink.packing_help import PackingHelp
from cloud_sync.uplink.packing_process import Pack, PackingProcess

async def main():
    process = await PackingProcess.begun()
    await process.learn(HttpPacking("farm-1"))
    print(process.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        helper = int(parent.stdout.readline())
        os.kill(helper, signal.SIGTERM)
        os.kill(helper, signal.SIGINT)
        assert is_alive(helper)
        parent.kill()
    await until(lambda: not is_alive(helper))
