"""The board and the process, as the kernel tells of them: power, heat, bytes written, open files.

Under-voltage: the hwmon driver `rpi_volt` (kernel documentation, raspberrypi-hwmon) has `in0_lcrit_alarm`. The Pi's own
kernels also show the firmware's word `get_throttled`, whose bits 0 to 3 say what is so now (Raspberry Pi documentation,
vcgencmd). The sticky bits above are not used: the hwmon driver clears them as it looks.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

_THROTTLED: Final = "sys/devices/platform/soc/soc:firmware/get_throttled"
_BITS: Final = {0: "under_voltage", 1: "frequency_capped", 2: "throttled", 3: "hot"}
_DAY_S: Final = 86_400.0
_LEAST_S: Final = 60.0


class Board:
    """`root` stands before the kernel's own files. Reads files in memory only, never the disk."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root

    def look(self, uptime_s: float) -> Mapping[str, Any]:
        """`under_voltage`, `frequency_capped`, `throttled`, `hot` (true now or not), `open_files`, and what this
        process had written to disks: `written_bytes`, `written_bytes_per_day` over its `uptime_s`.

        None where that cannot be known: not on a Pi, or a rate in the first minute.
        """
        written = self._written()
        known = written is not None and uptime_s >= _LEAST_S
        return {
            **self._power(),
            "open_files": self._open_files(),
            "written_bytes": written,
            "written_bytes_per_day": written / uptime_s * _DAY_S if known and written is not None else None,
        }

    def _power(self) -> dict[str, bool | None]:
        told: dict[str, bool | None] = dict.fromkeys(_BITS.values())
        if (word := self._hexadecimal(_THROTTLED)) is not None:
            told |= {name: bool(word >> bit & 1) for bit, name in _BITS.items()}
        for sensor in sorted(self._root.glob("sys/class/hwmon/hwmon*")):
            if self._text(sensor / "name") == "rpi_volt" and (alarm := self._text(sensor / "in0_lcrit_alarm")):
                told["under_voltage"] = bool(told["under_voltage"]) or alarm != "0"
        return told

    def _written(self) -> int | None:
        """proc(5): `write_bytes` of /proc/self/io, what was sent towards the storage layer."""
        for line in (self._text(self._root / "proc/self/io") or "").splitlines():
            name, _, value = line.partition(":")
            if name == "write_bytes":
                return int(value)
        return None

    def _open_files(self) -> int | None:
        try:
            return sum(1 for _ in (self._root / "proc/self/fd").iterdir())
        except OSError:
            return None

    def _hexadecimal(self, file: str) -> int | None:
        try:
            return int(self._text(self._root / file) or "", 16)
        except ValueError:
            return None

    def _text(self, file: Path) -> str | None:
        try:
            return file.read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            return None
