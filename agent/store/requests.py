"""What a command asks of the gateway. No other process may write the database, so a command leaves a file instead.

A request is one JSON file beside the database; the gateway deletes it when the commit that carried it out is durable.
A request that is carried out twice does no harm.
"""

import json
import logging
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from agent.domain.errors import StoreError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Replay:
    """Offer the dead letters of `sink` with these numbers again; all of them if `numbers` is None."""

    sink: str
    numbers: Sequence[int] | None


def folder_beside(database: Path) -> Path:
    """Where the gateway that owns that database looks for requests."""
    return database.with_name("requests")


def leave(folder: Path, request: Replay) -> None:
    """Write the request whole or not at all, for whoever owns the database. Raises StoreError."""
    try:
        folder.mkdir(exist_ok=True)
        _hand_over(folder)
        descriptor, draft = tempfile.mkstemp(".new", "replay-", folder)
        with open(descriptor, "w", encoding="utf-8") as out:  # noqa: PTH123
            os.fchmod(out.fileno(), 0o644)
            json.dump(asdict(request), out)
            out.flush()
            os.fsync(out.fileno())
        _hand_over(Path(draft))
        Path(draft).replace(Path(draft).with_suffix(".json"))
        _sync(folder)
    except OSError as error:
        raise StoreError(f"{folder}: the request cannot be left there: {error.strerror}") from error


def _hand_over(path: Path) -> None:
    """What root makes must belong to the gateway, or it could not be deleted."""
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Requests:
    """The gateway's side of `folder`: each request is carried out once; troubles are logged once and end nothing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._done: set[str] = set()
        self._told: set[str] = set()

    def carry_out(self, replay: Callable[[str, Sequence[int] | None], int]) -> None:
        """Hand every request to `replay`, which returns how many letters there are; what it raises StoreError for
        is tried again the next time.
        """
        for path, request in self._waiting():
            try:
                count = replay(request.sink, request.numbers)
            except StoreError as error:
                self._tell(f"{path} has to wait: {error}")
                return
            log.info("%d dead letters of sink %s are offered again, as %s asked", count, request.sink, path.name)
            try:
                path.unlink()
            except OSError as error:
                self._done.add(path.name)
                self._tell(f"{path} is carried out and can be deleted, but not by the gateway: {error.strerror}")

    def _waiting(self) -> Iterator[tuple[Path, Replay]]:
        """What can be read; what cannot is set aside."""
        for name in self._names():
            path = self._folder / name
            try:
                request = _parsed(path.read_bytes())
            except (OSError, ValueError, RecursionError) as error:
                self._set_aside(path, error)
            else:
                yield path, request

    def _names(self) -> list[str]:
        try:
            with os.scandir(self._folder) as found:
                names = [entry.name for entry in found if entry.name.endswith(".json")]
        except FileNotFoundError:
            return []
        except OSError as error:
            self._tell(f"{self._folder}: requests cannot be looked for: {error.strerror}")
            return []
        return sorted(set(names) - self._done)

    def _set_aside(self, path: Path, error: Exception) -> None:
        self._tell(f"{path} is no request ({error}): set aside as {path.stem}.unreadable")
        try:
            path.rename(path.with_suffix(".unreadable"))
        except OSError as failure:
            self._done.add(path.name)
            self._tell(f"{path} cannot be set aside: {failure.strerror}")

    def _tell(self, trouble: str) -> None:
        if trouble not in self._told:
            log.warning(trouble)
            self._told.add(trouble)


def _parsed(text: bytes) -> Replay:
    """Raises ValueError (or RecursionError) when that is no request."""
    match json.loads(text):
        case {"sink": str(sink), "numbers": None}:
            return Replay(sink, None)
        case {"sink": str(sink), "numbers": [*numbers]} if all(type(number) is int for number in numbers):
            return Replay(sink, numbers)
    raise ValueError("it does not say which letters of which sink")
