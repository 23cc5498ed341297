"""One gateway a ring buffer: two would give the same sequence number to different readings."""

import fcntl
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agent.domain.errors import StoreError

log = logging.getLogger(__name__)


@contextmanager
def owned(folder: Path) -> Iterator[None]:
    """Hold `folder` until the block, or the process, ends. Raises StoreError when another gateway has it.

    Where nothing can be written at all, nobody can own anything: the gateway runs on without, for its alarms' sake.
    """
    path = folder / "gateway.lock"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = path.open("a")
    except OSError as error:
        log.error("%s cannot be written (%s): running without a hold on it", path, error.strerror)
        yield
        return
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError(f"another gateway runs with {folder}: stop it first, or give this one its own") from None
        yield
