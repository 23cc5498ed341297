"""System calls that fail on request in a running process, by libfiu (Debian: fiu-utils) in front of its C library."""

import errno
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.system.processes import Process

WRITES = "posix/io/rw/pwrite"
READS = "posix/io/rw/pread"
FLUSHES = "posix/io/sync/fdatasync"
"""Of the gateway, SQLite alone calls these."""


class IoErrors:
    """Has `process`, not started yet, run where it can be given errors; `pipes` names the way to it."""

    def __init__(self, process: Process, pipes: Path) -> None:
        if shutil.which("fiu-run") is None:
            pytest.skip("there is no libfiu here; install it with: sudo apt-get install fiu-utils")
        self._process = process
        self._pipes = pipes
        process.arguments = ["fiu-run", "-x", "-f", str(pipes), *process.arguments]

    @contextmanager
    def failing(self, calls: str, code: int = errno.EIO, probability: float = 1.0) -> Iterator[None]:
        """For the time of the block, these calls fail with that `errno`, each with that probability in (0, 1]."""
        enable = "enable" if probability == 1.0 else "enable_random"
        chance = "" if probability == 1.0 else f",probability={probability}"
        self._tell(f"{enable} name={calls},failinfo={code}{chance}")
        yield
        self._tell(f"disable name={calls}")

    def _tell(self, command: str) -> None:
        told = ["fiu-ctrl", "-f", str(self._pipes), "-c", command, str(self._process.child.pid)]
        subprocess.run(told, check=True, timeout=10)
