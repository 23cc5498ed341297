"""What a reading's record says, made when somebody reads it: who writes readings by the million never does."""

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

from agent.domain.reading import Flag, StoredReading
from cloud_sync.contract.origin import how_good, place
from cloud_sync.contract.timestamps import iso_utc


class ReadingBody(Mapping[str, Any]):
    """The body of a reading, for `sensor-readings`. A value that is missing or not finite is null.

    `reading_writer` goes straight from `stored` to bytes.
    """

    __slots__ = ("_made", "gateway", "stored")

    def __init__(self, stored: StoredReading, gateway: str) -> None:
        self.stored = stored
        self.gateway = gateway
        self._made: dict[str, Any] | None = None

    def made(self) -> dict[str, Any]:
        """The same as a dictionary."""
        if self._made is None:
            self._made = _made(self.stored, self.gateway)
        return self._made

    def __getitem__(self, name: str) -> Any:
        return self.made()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.made())

    def __len__(self) -> int:
        return len(self.made())


def _made(stored: StoredReading, gateway: str) -> dict[str, Any]:
    (reading, flag, quality, tests, because), sequence = stored.checked, stored.seq
    sensor, at, value, why_missing, _ = reading
    sensor_id, tank_id, sensor_type, tank, probe, unit = place(sensor)
    because = because or why_missing
    if value is not None and not isfinite(value):
        value, flag, because = None, Flag.MISSING, f"not a finite number: {value}"
    return {
        "time": iso_utc(at.utc_us),
        "sensor_id": sensor_id,
        "tank_id": tank_id,
        "sensor_type": sensor_type,
        "value": value,
        "quality_score": believable(quality),
        "metadata": {
            "flag": int(flag),
            "tests": tests,
            "reason": because,
            "gateway": gateway,
            "tank": tank,
            "probe": probe,
            "unit": unit,
            "boot_id": at.boot_id,
            "boot_s": at.boot_s,
            "clock": how_good(at),
            "epoch": stored.epoch,
            "sequence": sequence,
        },
    }


def believable(quality: float) -> float:
    """A quality score as it is sent: 0 where it is none."""
    return quality if 0.0 < quality <= 1.0 else 0.0
