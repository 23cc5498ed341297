"""Readings as bytes, by the million.

Two readings of a sensor differ in little, and so do those of a moment: what comes again is written once, and a reading
is put together from such pieces. What a piece looks like is for the formats to say, which give a function for each
field; whatever is out of the ordinary they write whole.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from math import isfinite
from typing import Any, Final

from agent.domain.clock import Instant
from agent.domain.farm import Sensor
from agent.domain.reading import Flag
from cloud_sync.contract.origin import how_good, place
from cloud_sync.contract.reading_body import ReadingBody, believable

FIELDS: Final = (
    "time", "sensor_id", "tank_id", "sensor_type", "value", "quality_score",
    "flag", "tests", "reason", "gateway", "tank", "probe", "unit", "boot_id", "boot_s", "clock", "epoch", "sequence",
)  # fmt: skip
"""In the order of the body; from `flag` on they are its metadata's."""

_NOBODY = Instant(0, 0.0, "", False)

Write = Callable[[Any], bytes]


class ReadingWriter:
    """`write` has, for each of FIELDS, what writes its value with all that stands between it and its neighbours; of
    the time, the UTC microseconds. `number` writes a value that is a finite float. May be called by several threads.
    """

    def __init__(self, write: Mapping[str, Write], number: Callable[[float], bytes]) -> None:
        self._write = write
        self._number = number
        self._missing = write["value"](None)
        self._sequence = write["sequence"]
        self._place = lru_cache(maxsize=10_000)(self._written_place)
        # By their types, too: a number may equal another that the format refuses, or writes otherwise.
        self._verdict = lru_cache(maxsize=4096, typed=True)(self._written_verdict)
        self._last = (_NOBODY, "", b"", b"")

    def __call__(self, body: ReadingBody) -> bytes | None:
        """As the format writes that body; None where the value is out of the ordinary. Raises what `write` raises."""
        sequence, (reading, flag, quality, tests, because), epoch = body.stored
        sensor, at, value, why_missing, _ = reading
        if value is None:
            because, number = because or why_missing, self._missing
        elif type(value) is float and isfinite(value):
            because, number = because or why_missing, self._number(value)
        else:
            return None
        begun_at, of_epoch, time, moment = self._last  # at once, since another thread may write it anew
        if at is not begun_at or epoch != of_epoch:
            time, moment = self._written_moment(at, epoch)
            self._last = at, epoch, time, moment
        here, origin = self._place(sensor, body.gateway)
        verdict = self._verdict(quality, flag, tests, because)
        return b"".join((time, here, number, verdict, origin, moment, self._sequence(sequence)))

    def _written_moment(self, at: Instant, epoch: str) -> tuple[bytes, bytes]:
        last = {"boot_id": at.boot_id, "boot_s": at.boot_s, "clock": how_good(at), "epoch": epoch}
        return self._write["time"](at.utc_us), self._written(last)

    def _written_place(self, sensor: Sensor, gateway: str) -> tuple[bytes, bytes]:
        sensor_id, tank_id, sensor_type, tank, probe, unit = place(sensor)
        here = {"sensor_id": sensor_id, "tank_id": tank_id, "sensor_type": sensor_type}
        return self._written(here), self._written({"gateway": gateway, "tank": tank, "probe": probe, "unit": unit})

    def _written_verdict(self, quality: float, flag: Flag, tests: str, because: str | None) -> bytes:
        return self._written(
            {"quality_score": believable(quality), "flag": int(flag), "tests": tests, "reason": because}
        )

    def _written(self, fields: Mapping[str, Any]) -> bytes:
        return b"".join([self._write[name](value) for name, value in fields.items()])
