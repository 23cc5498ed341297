"""Records to bytes: in a thread, and where the next batch is known, ahead of its turn."""

import asyncio
import pickle
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

from cloud_sync.contract.record import Record
from cloud_sync.uplink.packing_help import PackingHelp

T = TypeVar("T")


class Packer(Generic[T]):
    """Runs `pack`, which needs nothing but the processor and so always ends, on one batch after the other; in a backlog
    `help` does, if there is any.
    """

    def __init__(self, pack: Callable[[Sequence[Record]], T], name: str, help: PackingHelp | None = None) -> None:
        self._pack = pack
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._ahead: tuple[Sequence[Record], Future[T] | asyncio.Future[bytes]] | None = None
        self.help = help

    def begin(self, batch: Sequence[Record]) -> None:
        """Pack the batch that is likely to be sent next; whatever comes of it is told by `packed`."""
        begun = self.help.begin(batch) if self.help is not None else None
        self._ahead = (batch, self._thread.submit(self._pack, batch) if begun is None else begun)

    async def packed(self, batch: Sequence[Record]) -> T:
        """What `pack` makes of the batch, or raises."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None and ahead[0] is batch:
            if isinstance(ahead[1], Future):
                return await asyncio.wrap_future(ahead[1])
            if self.help is not None and (answer := await self.help.packed(ahead[1])):
                made: T = pickle.loads(answer)  # noqa: S301 - from our own child
                return made
        return await asyncio.wrap_future(self._thread.submit(self._pack, batch))

    async def close(self) -> None:
        """What was begun is forgotten, and who helps may go."""
        self._ahead = None
        if self.help is not None:
            await self.help.end()
