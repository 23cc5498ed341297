"""Blocking work of one sink, in a thread of its own.

asyncio's shared threads also resolve names and connect for everybody else, the alarm feed included: a disk or a name
server that hangs must not use them up.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import Any, TypeVar

from agent.domain.errors import SinkUnavailable

T = TypeVar("T")


class OwnThread:
    """One piece of work at a time: it cannot be interrupted, so what its caller gave up must end before the next one
    begins. It does not hold up the end of the process. `name` says what it is that may hang.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._work: Future[Any] | None = None

    @property
    def busy(self) -> bool:
        return self._work is not None and not self._work.done()

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` returns or raises. Raises SinkUnavailable while an earlier piece has not ended."""
        if self.busy:
            raise SinkUnavailable(f"{self._name} has not finished what was asked of it before")
        future: Future[T] = Future()
        self._work = future
        future.set_running_or_notify_cancel()  # from now on nobody can cancel it
        Thread(target=_run, args=(work, future), name=self._name, daemon=True).start()
        return await asyncio.wrap_future(future)


def _run(work: Callable[[], T], future: Future[T]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:
        future.set_exception(error)
