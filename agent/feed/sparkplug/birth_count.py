"""bdSeq: which connection a birth and a death belong to, counted modulo 256."""

import asyncio
import logging
from pathlib import Path

log = logging.getLogger(__name__)


class BirthCount:
    """Begins with 0 and goes up by one for every attempt to connect (tck-id-topics-nbirth-bdseq-increment), restarts
    of the gateway included: the death of a killed gateway may arrive after the next one's birth, and must not be taken
    for its own.

    The file is not synced, to spare the card while a broker is away: a power cut may cost its last seconds. By the time
    the machine is up again the broker has long told the deaths of before.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last: int | None = None

    async def next(self) -> int:
        """Noted before it is used. A disk that fails costs no more than that restarts begin anew."""
        if self._last is None:
            self._last = await asyncio.to_thread(_read, self._path)
        self._last = (self._last + 1) % 256
        try:
            await asyncio.to_thread(_write, self._path, self._last)
        except OSError as error:
            log.warning("Sparkplug B cannot note its birth count in %s: %s", self._path, error)
        return self._last


def _read(path: Path) -> int:
    """-1 where there is none."""
    try:
        return int(path.read_text(encoding="ascii")) % 256
    except (OSError, ValueError):
        return -1


def _write(path: Path, count: int) -> None:
    """Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(str(count), encoding="ascii")
    fresh.replace(path)
