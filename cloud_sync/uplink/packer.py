"""Records to bytes: in a thread, and where the next batch is known, ahead of its turn."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

from cloud_sync.contract.record import Record

T = TypeVar("T")


class Packer(Generic[T]):
    """Runs `pack`, which needs nothing but the processor and so always ends, on one batch after the other."""

    def __init__(self, pack: Callable[[Sequence[Record]], T], name: str) -> None:
        self._pack = pack
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._ahead: tuple[Sequence[Record], Future[T]] | None = None

    def begin(self, batch: Sequence[Record]) -> None:
        """Pack the batch that is likely to be sent next; whatever comes of it is told by `packed`."""
        self._ahead = (batch, self._thread.submit(self._pack, batch))

    async def packed(self, batch: Sequence[Record]) -> T:
        """What `pack` makes of the batch, or raises."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None and ahead[0] is batch:
            return await asyncio.wrap_future(ahead[1])
        return await asyncio.wrap_future(self._thread.submit(self._pack, batch))
