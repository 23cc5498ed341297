"""Disks that can be made full: a real small one where this user may mount, and everywhere one that takes no writes."""

import os
import resource
import subprocess
from pathlib import Path
from typing import Protocol

from tests.system.processes import Gateway

_UNLIMITED = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


class Disk(Protocol):
    """`path` is a folder on it."""

    path: Path

    def fill(self, gateway: Gateway) -> None: ...
    def free(self, gateway: Gateway) -> None: ...
    def close(self) -> None: ...


class MountedDisk:
    """A RAM disk of eight megabytes: full means full, for every file on it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", path], check=True)

    def fill(self, gateway: Gateway) -> None:
        with (self.path / "ballast").open("wb", buffering=0) as ballast:
            for size in (65536, 1):
                try:
                    while ballast.write(bytes(size)):
                        pass
                except OSError:
                    continue

    def free(self, gateway: Gateway) -> None:
        (self.path / "ballast").unlink()

    def close(self) -> None:
        subprocess.run(["umount", "-l", self.path], check=True)


class LimitedDisk:
    """No file of the gateway may grow beyond one page, so that the database takes nothing; small files go on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()

    def fill(self, gateway: Gateway) -> None:
        resource.prlimit(gateway.child.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))

    def free(self, gateway: Gateway) -> None:
        resource.prlimit(gateway.child.pid, resource.RLIMIT_FSIZE, _UNLIMITED)

    def close(self) -> None:
        """Nothing to put away."""


def may_mount() -> bool:
    return os.geteuid() == 0 and subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode == 0


DISKS: dict[str, type[MountedDisk] | type[LimitedDisk]] = {"limited": LimitedDisk}
if may_mount():
    DISKS["mounted"] = MountedDisk
