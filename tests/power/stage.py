"""Recording on a RAM disk where there is one, and putting a state of the disk where it can be opened."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

from tests.power.disk import State


@cache
def tracing_trouble() -> str | None:
    """Why system calls cannot be recorded here, None if they can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    tried = subprocess.run(["strace", "-o", "/dev/null", sys.executable, "-c", ""], capture_output=True, text=True)
    return f"strace may not trace here: {tried.stderr.strip()}" if tried.returncode else None


needs_strace = pytest.mark.skipif(tracing_trouble() is not None, reason=str(tracing_trouble()))


@contextmanager
def ram_folder() -> Iterator[Path]:
    """An empty folder, in memory if possible: ten thousand states are written and flushed there."""
    shm = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shm if os.access(shm, os.W_OK) else None) as folder:
        inside = Path(folder, "files")
        inside.mkdir()
        yield inside


def lay_out(state: State, folder: Path) -> None:
    """Make the files of the state, and no others, in the folder."""
    for old in folder.iterdir():
        old.unlink()
    for name, sectors in state.items():
        (folder / name).write_bytes(b"".join(sectors))
