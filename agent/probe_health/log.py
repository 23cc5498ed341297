"""What people did to probes: who calibrated which when, and whether it got a new cap.

A file of lines of JSON that only grows, `probe-log.jsonl` in the state folder: history that is not to be evicted with
readings, and can be read without this program. A line is on the disk before it counts as written.
"""

import errno
import json
import logging
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from agent.domain.errors import AquaError

log = logging.getLogger(__name__)

_LONGEST_TEXT: Final = 200


@dataclass(frozen=True, slots=True)
class Calibrated:
    """`probe` as tank/name, `time` in ISO 8601 with its offset; `cap`: with a new cap, membrane or electrode."""

    time: str
    probe: str
    cap: bool
    by: str
    note: str | None = None

    def __post_init__(self) -> None:
        """Raises ValueError."""
        if datetime.fromisoformat(self.time).tzinfo is None:
            raise ValueError(f"{self.time} lacks its offset from UTC")
        for text in (self.probe, self.by, "-" if self.note is None else self.note):
            if not isinstance(text, str) or not text.strip() or not text.isprintable() or len(text) > _LONGEST_TEXT:
                raise ValueError(f"{text!r:.50} is no text of 1 to {_LONGEST_TEXT} letters on one line")
        if not isinstance(self.cap, bool):
            raise TypeError(f"cap is true or false, not {self.cap!r}")

    @property
    def utc_us(self) -> int:
        return round(datetime.fromisoformat(self.time).timestamp() * 1e6)


class ProbeLog:
    """One writer, the gateway; others may read at any time. Lines that make no sense are left where they are."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def entries(self) -> Sequence[Calibrated]:
        """In the order in which they were written. Raises AquaError when the file cannot be read."""
        try:
            lines = self._path.read_bytes().splitlines()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise AquaError(f"{self._path} cannot be read: {error.strerror}") from error
        found = []
        for number, line in enumerate(lines, 1):
            try:
                found.append(Calibrated(**json.loads(line)))
            except (ValueError, TypeError, RecursionError) as error:
                log.warning("%s: line %d is no entry: %s", self._path, number, error)
        return found

    def add(self, entry: Calibrated) -> None:
        """Raises AquaError when it cannot be written; then it is not there."""
        line = json.dumps(asdict(entry), ensure_ascii=False).encode() + b"\n"
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # Unbuffered: what was refused must not be written by closing the file.
            with self._path.open("ab", buffering=0) as file:
                begin = file.tell()
                try:
                    line = self._ending(begin) + line
                    if file.write(line) < len(line):
                        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                    os.fsync(file.fileno())
                except OSError:
                    file.truncate(begin)
                    raise
            _sync_folder(self._path.parent)
        except OSError as error:
            raise AquaError(f"{self._path} cannot be written ({error.strerror}): nothing was noted") from error

    def _ending(self, size: int) -> bytes:
        """What ends a line that a power cut left torn."""
        if not size:
            return b""
        with self._path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return b"" if file.read() == b"\n" else b"\n"


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def newest(entries: Sequence[Calibrated], probe: str) -> tuple[int | None, int | None]:
    """When the probe was last calibrated, and when it last got a cap, in UTC microseconds; None where nobody says."""
    mine = [entry for entry in entries if entry.probe == probe]
    times = [entry.utc_us for entry in mine], [entry.utc_us for entry in mine if entry.cap]
    return max(times[0], default=None), max(times[1], default=None)
