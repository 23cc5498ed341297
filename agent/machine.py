"""The computer under the gateway, as the kernel tells of it (proc(5), sysfs)."""

import shutil
from pathlib import Path

from agent.domain.gateway_health import MachineHealth


class Machine:
    """`disk` is any path on the disk to watch; `root` stands before the kernel's own files."""

    def __init__(self, disk: Path, root: Path = Path("/")) -> None:
        self._disk = disk
        self._root = root
        self._ticks: tuple[int, int] | None = None

    def look(self) -> MachineHealth:
        """As of now; what cannot be read is None."""
        return MachineHealth(
            self._disk_free(),
            self._cpu_percent(),
            self._kilobytes("proc/self/status", "VmRSS"),
            self._kilobytes("proc/meminfo", "MemAvailable"),
            self._temperature_c(),
        )

    def _disk_free(self) -> int | None:
        try:
            return shutil.disk_usage(self._disk).free
        except OSError:
            return None

    def _cpu_percent(self) -> float | None:
        """Of the ticks since the last look, how many were not idle (proc(5): the fourth and fifth are)."""
        if (text := self._text("proc/stat")) is None:
            return None
        ticks = [int(word) for word in text.splitlines()[0].split()[1:9]]
        before, self._ticks = self._ticks, (sum(ticks), ticks[3] + ticks[4])
        if before is None or self._ticks[0] <= before[0]:
            return None
        passed = self._ticks[0] - before[0]
        # The count of waiting for disks may go back a little.
        return min(100.0, max(0.0, 100.0 * (1 - (self._ticks[1] - before[1]) / passed)))

    def _kilobytes(self, file: str, name: str) -> int | None:
        """In bytes."""
        for line in (self._text(file) or "").splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024
        return None

    def _temperature_c(self) -> float | None:
        text = (self._text("sys/class/thermal/thermal_zone0/temp") or "").strip()
        return int(text) / 1000 if text.removeprefix("-").isdecimal() else None

    def _text(self, file: str) -> str | None:
        try:
            return (self._root / file).read_text(encoding="ascii")
        except OSError:
            return None
