"""A machine of its own for the real systemd: process 1 of namespaces over an overlay of this root file system."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).parents[2]
BOOT = Path(__file__).with_name("boot.sh")
UNIT = "aqua-gateway.service"
T = TypeVar("T")
_PATH = "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def missing() -> str | None:
    """Why no systemd can be booted here, or None."""
    if os.geteuid() != 0:
        return "namespaces, mounts and a systemd of its own take root: run the tests as root"
    if not Path("/lib/systemd/systemd").exists():
        return "systemd is not installed: apt install systemd systemd-sysv"
    if absent := [name for name in ("unshare", "nsenter", "ip", "getent") if not shutil.which(name)]:
        return f"not installed: {', '.join(absent)} (apt install util-linux iproute2)"
    filesystems = Path("/proc/filesystems").read_text()
    if absent := [name for name in ("overlay", "cgroup2") if name not in filesystems]:
        return f"this kernel has no {' and no '.join(absent)}"
    return None


class Machine:
    """What is changed on it is changed in `folder`; `root` is its root file system, as it sees it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for name in ("layer", "root"):
            (folder / name).mkdir()
        self.console = folder / "console"
        self._output = self.console.open("wb")
        self._unshare = subprocess.Popen(
            ["/bin/sh", str(BOOT), str(folder)], stdin=subprocess.DEVNULL, stdout=self._output, stderr=self._output
        )
        self.init = 0

    def boot(self) -> None:
        self.init = until(self._first_child, 20, "the namespaces are there")
        state = ("running", "degraded")
        until(lambda: self.run("systemctl", "is-system-running").stdout.strip() in state, 30, "systemd has booted")

    def _first_child(self) -> int:
        assert self._unshare.poll() is None, self.console.read_text()
        children = Path(f"/proc/{self._unshare.pid}/task/{self._unshare.pid}/children").read_text().split()
        # A shell first, which prepares the root file system.
        if children and Path(f"/proc/{children[0]}/comm").read_text() == "systemd\n":
            return int(children[0])
        return 0

    def halt(self) -> None:
        self._unshare.kill()  # and with it process 1, and with that everything
        self._unshare.wait()
        self._output.close()
        own = f"aqua-test-{self._unshare.pid}"  # other machines on this one have theirs beside it
        for group in sorted((self._folder / "cgroup").glob(f"{own}/**/"), reverse=True):
            until(lambda group=group: _removed(group), 60, f"{group} is empty")  # type: ignore[misc]
        subprocess.run(["umount", self._folder / "cgroup"], check=True)

    def run(self, *command: str, within_s: float = 60) -> subprocess.CompletedProcess[str]:
        enter = ["nsenter", f"--target={self.init}", "--all", "--root", "env", "-i", "-C", "/", f"PATH={_PATH}"]
        return subprocess.run(
            [*enter, *command], capture_output=True, text=True, timeout=within_s, stdin=subprocess.DEVNULL
        )

    def told(self, *command: str, within_s: float = 60) -> str:
        """Standard output of a command that has to succeed."""
        done = self.run(*command, within_s=within_s)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}\n{self.journal()}"
        return done.stdout

    def journal(self) -> str:
        return self.run("journalctl", "--no-pager", "-o", "cat", "-u", UNIT).stdout

    def unit(self, fact: str) -> str:
        """A property of the gateway's unit, such as MainPID."""
        return self.told("systemctl", "show", "--value", "-p", fact, UNIT).strip()

    def path(self, path: str) -> Path:
        """A file of the machine, as seen from here."""
        return Path(f"/proc/{self.init}/root{path}")


def _removed(group: Path) -> bool:
    try:
        group.rmdir()
    except FileNotFoundError:  # by process 1, before it was dead
        return True
    except OSError:
        return False
    return True


def until(look: Callable[[], T], within_s: float, what: str) -> T:
    """The first true answer of `look`. AssertionError when there is none in time."""
    deadline = time.monotonic() + within_s
    while not (seen := look()):
        assert time.monotonic() < deadline, f"{what}: not within {within_s:g} s"
        time.sleep(0.1)
    return seen
