"""Packing in another process, which has a processor of its own: all our threads share one."""

import asyncio
import os
import pickle
import sys
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Self

from cloud_sync.contract.record import Record
from cloud_sync.uplink.packing_child import LENGTH
from cloud_sync.uplink.parcel import Wrapping

Pack = Callable[[Sequence[Record]], Any]

_PIPE = 1 << 18  # bytes; a batch fits
_COMMAND = (sys.executable, "-P", "-m", "cloud_sync.uplink.packing_child")


class PackingProcess:
    """A child that packs batches in the order in which they were begun. It ends with its input: with us, whatever ends
    us.
    """

    def __init__(
        self, process: asyncio.subprocess.Process, questions: asyncio.StreamWriter, answers: asyncio.StreamReader
    ) -> None:
        self._process = process
        self._questions = questions
        self._answers = answers
        self._wrapped = Wrapping()
        self._asked: deque[asyncio.Future[bytes]] = deque()
        self._answering = asyncio.create_task(self._answer())

    @classmethod
    async def begun(cls) -> Self:
        """Raises OSError."""
        pipe = asyncio.subprocess.PIPE
        where = os.pathsep.join(path for path in sys.path if path)
        process = await asyncio.create_subprocess_exec(
            *_COMMAND, stdin=pipe, stdout=pipe, pipesize=_PIPE, env={**os.environ, "PYTHONPATH": where}
        )
        if process.stdin is None or process.stdout is None:
            raise OSError("it has no pipes")  # which it was asked for: mypy does not know
        return cls(process, process.stdin, process.stdout)

    async def learn(self, pack: Pack) -> None:
        """Return when it is ready. `pack` and what that returns are pickled, and the module it is from is imported
        there: keep that small, and no secret in it. Raises OSError.
        """
        await self._ask(pickle.dumps(pack, 5))
        if self.is_over:
            raise OSError("it ended at once")

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_over(self) -> bool:
        """It packs nothing any more."""
        return self._answering.done()

    def begin(self, batch: Sequence[Record]) -> asyncio.Future[bytes]:
        """What was made of the batch, pickled; empty where that failed or the process ended before."""
        return self._ask(self._wrapped(batch))

    async def end(self) -> None:
        """At once: what it still packs is wanted by nobody."""
        if self._process.returncode is None:
            self._process.kill()
        await asyncio.wait({self._answering})  # not awaited: it may have been cancelled, with all tasks
        await self._process.wait()

    def _ask(self, question: bytes) -> asyncio.Future[bytes]:
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        if self.is_over:
            answer.set_result(b"")
        else:
            self._asked.append(answer)
            self._questions.write(question)  # nobody waits for that: one or two batches are all that can pile up
        return answer

    async def _answer(self) -> None:
        """Ends with the child's output."""
        try:
            while True:
                (length,) = LENGTH.unpack(await self._answers.readexactly(LENGTH.size))
                answer = await self._answers.readexactly(length)
                asked = self._asked.popleft()
                if not asked.done():
                    asked.set_result(answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            for asked in self._asked:
                if not asked.done():
                    asked.set_result(b"")
            self._asked.clear()
