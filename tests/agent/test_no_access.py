"""A folder or a file that the gateway's user may not write: it runs on in memory, and stores as soon as it may."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

NAME = "ring-buffer.sqlite"
NOBODY = 65_534

GATEWAY = """
import asyncio, os, sys
from pathlib import Path
from agent.store.database import schema
from agent.store.store import Store, StoreSettings
from tests.agent.farm import change, several, waiting
from tests.clock import FakeClock

async def main(path):
    schema()  # the code itself may be out of reach for the user this becomes
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    store = Store(StoreSettings(path, 8), ["cloud"], FakeClock())
    await store.recall(3600.0, lambda past: None)
    for first in (1, 51):
        store.put(several(first, 50), [change(first)])
        await store.commit()
        print(store.trouble, flush=True)
        sys.stdin.readline()
    await store.commit()
    there = [one.checked.reading.value for one in await waiting(store, "cloud")]
    print(store.trouble, there[-100:] == [float(n) for n in range(1, 101)], flush=True)
    await store.close()

asyncio.run(main(Path(sys.argv[1])))
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that everybody can reach, and only its owner can write."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        state = Path(name) / "state"
        state.mkdir(mode=0o755)
        yield state


def no_writing(folder: Path) -> None:
    folder.chmod(0o555)


def somebody_elses_file(folder: Path) -> None:
    (folder / NAME).touch(mode=0o600)
    (folder / NAME).chmod(0o000 if os.getuid() else 0o600)
    folder.chmod(0o777)


def rubbish_in_a_folder_that_takes_no_other_name(folder: Path) -> None:
    (folder / NAME).write_bytes(b"no database at all" * 1000)
    (folder / NAME).chmod(0o666)
    folder.chmod(0o555)


@pytest.mark.parametrize("harm", [no_writing, somebody_elses_file, rubbish_in_a_folder_that_takes_no_other_name])
def test_it_runs_on_and_stores_as_soon_as_it_may(folder: Path, harm: Callable[[Path], None]) -> None:
    harm(folder)
    gateway = subprocess.Popen(
        [sys.executable, "-c", GATEWAY, folder / NAME], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert gateway.stdin is not None and gateway.stdout is not None
    with gateway:
        for turn in range(2):
            told = gateway.stdout.readline()
            assert str(folder / NAME) in told, "the trouble names the file"
            if turn == 1:
                _give(folder)
            gateway.stdin.write("\n")
            gateway.stdin.flush()
        assert gateway.stdout.readline() == "None True\n"


def _give(folder: Path) -> None:
    """What a technician does: the folder and all in it belong to the gateway's user."""
    for path in (folder, *folder.iterdir()):
        if os.getuid() == 0:
            os.chown(path, NOBODY, NOBODY)
        path.chmod(0o755 if path.is_dir() else 0o644)
