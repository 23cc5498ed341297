"""The last frames of every bus, kept in memory, and written beside the fault when one begins.

A recorder is a tap on one bus: a bounded ring, and whoever listens at the moment (`bus trace`). `FaultFiles` writes
what a recorder holds into a numbered file (JSON Lines: a head, then a frame a line) in a thread of its own: neither a
slow card nor a full one delays the bus. Files are bounded in number and each in size; a bus whose faults come and go
writes a few at once and then one every ten minutes, and says how many it left out.
"""

import asyncio
import json
import logging
from collections import deque
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from agent.domain.clock import Clock
from agent.domain.farm import BusSettings
from drivers.bus.tap import Frame

log = logging.getLogger(__name__)

FRAMES_KEPT: Final = 200
FILES_KEPT: Final = 50
_AT_ONCE = 5
_THEN_EVERY_S = 600.0
_MOST_WAITING = 16
_LISTENER_BEHIND = 1000


class FlightRecorder:
    """A tap (call it with a frame) on the bus `settings.name`."""

    def __init__(self, settings: BusSettings) -> None:
        self.bus = settings.name
        self.protocol = settings.protocol
        self._frames: deque[Frame] = deque(maxlen=FRAMES_KEPT)
        self._listeners: set[asyncio.Queue[Frame]] = set()

    def __call__(self, frame: Frame) -> None:
        self._frames.append(frame)
        for queue in self._listeners:
            with suppress(asyncio.QueueFull):  # who listens too slowly misses frames, and nobody waits
                queue.put_nowait(frame)

    def frames(self) -> list[Frame]:
        return list(self._frames)

    async def follow(self) -> AsyncGenerator[Frame, None]:
        """Every frame from now on."""
        queue: asyncio.Queue[Frame] = asyncio.Queue(_LISTENER_BEHIND)
        self._listeners.add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._listeners.discard(queue)


class FaultFiles:
    """Writes what the recorders hold into `folder`. Its own troubles are logged once and end nothing."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._waiting: asyncio.Queue[tuple[str, list[dict[str, Any]]]] = asyncio.Queue(_MOST_WAITING)
        self._allowance: dict[str, tuple[float, float]] = {}
        self._left_out: dict[str, int] = {}
        self._trouble: str | None = None

    def begins(self, recorder: FlightRecorder, because: str) -> None:
        """A fault has just begun on that bus; returns at once."""
        if not self._allowed(recorder.bus) or self._waiting.full():
            self._left_out[recorder.bus] = self._left_out.get(recorder.bus, 0) + 1
            return
        now = self._clock.now()
        head = {
            "fault": because,
            "bus": recorder.bus,
            "protocol": recorder.protocol.value,
            "at_us": now.utc_us,
            "at_s": now.boot_s,
            "clock_trusted": now.trusted,
            "left_out_before": self._left_out.pop(recorder.bus, 0),
        }
        self._waiting.put_nowait((recorder.bus, [head, *map(to_json, recorder.frames())]))

    async def run(self) -> None:
        """Ends by cancellation."""
        while True:
            bus, lines = await self._waiting.get()
            try:
                await asyncio.to_thread(_write, self._folder, bus, lines)
                self._trouble = None
            except OSError as error:
                if self._trouble != str(error):
                    log.error("The frames of a fault on bus %s cannot be written: %s", bus, error, extra={"bus": bus})
                self._trouble = str(error)

    def _allowed(self, bus: str) -> bool:
        """A few at once, then one every `_THEN_EVERY_S`."""
        now_s = self._clock.boot_s()
        left, since_s = self._allowance.get(bus, (float(_AT_ONCE), now_s))
        left = min(_AT_ONCE, left + (now_s - since_s) / _THEN_EVERY_S)
        allowed = left >= 1
        self._allowance[bus] = (left - allowed, now_s)
        return allowed


def fault_files(folder: Path) -> list[Path]:
    """The oldest first. Numbered, since the clock of a Pi may have been wrong when one was written."""
    return sorted((file for file in folder.glob("*-*.jsonl") if _number(file)), key=_number)


def to_json(frame: Frame) -> dict[str, Any]:
    told: dict[str, Any] = {"at_s": frame.at_s, "sent": frame.sent, "hex": frame.data.hex()}
    return told if frame.objection is None else told | {"objection": frame.objection}


def from_json(told: Mapping[str, Any]) -> Frame:
    """Raises KeyError, TypeError or ValueError when that is no frame."""
    return Frame(float(told["at_s"]), bool(told["sent"]), bytes.fromhex(told["hex"]), told.get("objection"))


def _number(file: Path) -> int:
    digits = file.name.partition("-")[0]
    return int(digits) if digits.isdecimal() else 0


def _write(folder: Path, bus: str, lines: list[dict[str, Any]]) -> None:
    """Make room first, so that a disk without any may have some."""
    folder.mkdir(parents=True, exist_ok=True)
    files = fault_files(folder)
    for old in files[: max(0, len(files) - FILES_KEPT + 1)]:
        old.unlink(missing_ok=True)
    file = folder / f"{_number(files[-1]) + 1 if files else 1:06}-{bus}.jsonl"
    try:
        file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    except OSError:
        file.unlink(missing_ok=True)
        raise
