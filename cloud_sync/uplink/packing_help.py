"""A second processor for the time of a backlog, and never a condition for anything."""

import asyncio
import logging
import os
import time
from collections.abc import Callable, Sequence
from math import inf

from cloud_sync.contract.record import Record
from cloud_sync.uplink.packing_process import Pack, PackingProcess

log = logging.getLogger(__name__)

_BACKLOG_S = 1.0
"""Batches that are known ahead for longer than this, none of them later than this after the one before, are a backlog
that is worth a process."""


class PackingHelp:
    """A `PackingProcess` that begins with a backlog, where there is a second processor, and ends `idle_s` after it.

    If it is killed, or silent for `patience_s`, or cannot be started, that is logged, and there is no help any more.
    `of` names the kind of the sink in the log.
    """

    def __init__(
        self,
        pack: Pack,
        of: str,
        processors: int | None = None,
        idle_s: float = 10.0,
        patience_s: float = 10.0,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pack = pack
        self._of = of
        self._idle_s = idle_s
        self._patience_s = patience_s
        self._now_s = now_s
        self._began_s = self._last_s = -inf
        self._given_up = (processors or len(os.sched_getaffinity(0))) == 1
        self._starting: asyncio.Task[None] | None = None
        self._idle: asyncio.Task[None] | None = None
        self.process: PackingProcess | None = None

    def begin(self, batch: Sequence[Record]) -> asyncio.Future[bytes] | None:
        """To be handed to `packed`; None while there is no help (yet)."""
        if self._given_up or not (self._is_backlog() or self._starting):
            return None
        self._stay()
        if self._starting is None:
            self._starting = asyncio.create_task(self._start())
        if self.process is None or not self._starting.done():
            return None
        return self.process.begin(batch)

    async def packed(self, begun: asyncio.Future[bytes]) -> bytes:
        """What was made of the batch, pickled; empty where it has to be packed by somebody else."""
        process = self.process
        done, _ = await asyncio.wait({begun}, timeout=self._patience_s)
        if not done:
            await self._give_up(f"has not answered for {self._patience_s:g} s")
        elif process is not None and process is self.process and process.is_over:
            await self._give_up("has ended")
        return begun.result()

    async def end(self) -> None:
        """Harmless when there is no process."""
        if self._idle is not None:
            self._idle.cancel()
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.wait({self._starting})
        self._starting = self._idle = None
        process, self.process = self.process, None
        if process is not None:
            await process.end()

    def _is_backlog(self) -> bool:
        now_s = self._now_s()
        if now_s - self._last_s > _BACKLOG_S:
            self._began_s = now_s
        self._last_s = now_s
        return now_s - self._began_s > _BACKLOG_S

    def _stay(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._idle = asyncio.create_task(self._end_when_idle())

    async def _end_when_idle(self) -> None:
        await asyncio.sleep(self._idle_s)
        self._idle = None
        await self.end()

    async def _start(self) -> None:
        try:
            self.process = await PackingProcess.begun()
            await asyncio.wait_for(self.process.learn(self._pack), self._patience_s)
        except (OSError, TimeoutError) as error:
            self._starting = None
            await self._give_up(f"cannot be started ({error!r})")

    async def _give_up(self, because: str) -> None:
        self._given_up = True
        log.warning("sink of kind %s: the process that packs a backlog %s; it goes on without it", self._of, because)
        await self.end()
