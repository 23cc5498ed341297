"""A thread for what may block."""

from collections.abc import Callable
from concurrent.futures import Future, wait
from queue import SimpleQueue
from threading import Thread
from typing import Any


class Worker:
    """One piece of work at a time, and what came of it. It does not hold up the end of the process."""

    def __init__(self, name: str) -> None:
        self._todo: SimpleQueue[Callable[[], Any]] = SimpleQueue()
        self._future: Future[Any] | None = None
        self._settle: Callable[[Future[Any]], None] | None = None
        Thread(target=self._run, name=name, daemon=True).start()

    @property
    def busy(self) -> bool:
        return self._future is not None

    def begin(self, work: Callable[[], Any], settle: Callable[[Future[Any]], None]) -> None:
        """`settle` gets what came of it, in the thread that calls `collect`. RuntimeError while it is busy."""
        if self.busy:
            raise RuntimeError("one thing at a time")
        self._future, self._settle = Future(), settle
        self._todo.put(work)

    def collect(self, timeout_s: float = 0.0) -> bool:
        """Settle what is done, after waiting so long for it. False while it is not."""
        if self._future is None:
            return True
        if not wait([self._future], timeout_s).done:
            return False
        future, settle = self._future, self._settle
        self._future = self._settle = None
        if settle is not None:
            settle(future)
        return True

    def _run(self) -> None:
        while True:
            work, future = self._todo.get(), self._future
            if future is None:
                raise RuntimeError("work without anybody who waits for it")
            try:
                future.set_result(work())
            except BaseException as error:
                future.set_exception(error)
