"""A sink that can do no harm: whatever it does ends in time, and as something that a sink may raise."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from agent.domain.errors import SinkMisconfigured, SinkUnavailable
from cloud_sync.contract.record import Record
from cloud_sync.uplink.interfaces import BatchRefused, Delivery, PacksAhead, Rejection, Sink, TooSlow

T = TypeVar("T")

_TO_OBEY_S = 1.0


class SinkBug(SinkUnavailable):
    """The sink did what no sink should; the cause, if any, says what."""


class Contained:
    """Passes calls on to `sink`, each in a task of its own, one at a time. Raises what `Sink` says, and SinkBug."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._call: asyncio.Task[object] | None = None
        self.batching = sink.batching

    async def open(self) -> None:
        await self._in_time(self._sink.open)

    async def send(self, batch: Sequence[Record]) -> Delivery:
        delivery = await self._in_time(lambda: self._sink.send(batch), BatchRefused)
        if not isinstance(delivery, Delivery) or not all(isinstance(one, Rejection) for one in delivery.rejected):
            raise SinkBug(f"the sink answered with {delivery!r:.200}, which is no Delivery")
        return delivery

    def pack_ahead(self, batch: Sequence[Record]) -> None:
        """Does nothing where the sink cannot."""
        try:
            if isinstance(self._sink, PacksAhead):
                self._sink.pack_ahead(batch)
        except Exception as error:
            raise _bug(error) from error

    async def close(self) -> None:
        await self._in_time(self._sink.close)

    async def _in_time(self, call: Callable[[], Awaitable[T]], *besides: type[Exception]) -> T:
        if self._call is not None and not self._call.done():
            raise SinkUnavailable("the sink has still not ended a call that was cut off")
        task = self._call = asyncio.create_task(_awaited(call))
        deadline_s = self.batching.deadline_s
        try:
            done, _ = await asyncio.wait({task}, timeout=deadline_s)
        except asyncio.CancelledError:
            await _end(task)
            raise
        if not done:
            await _end(task)
            raise TooSlow(f"no answer within {deadline_s:g} s")
        return _outcome(task, (SinkUnavailable, SinkMisconfigured, *besides))


async def _awaited(call: Callable[[], Awaitable[T]]) -> T:
    return await call()


async def _end(task: asyncio.Task[T]) -> None:
    """Cut the call off; one that does not even obey that is left alone."""
    task.cancel()
    task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())  # or asyncio complains about it
    await asyncio.wait({task}, timeout=_TO_OBEY_S)


def _outcome(task: asyncio.Task[T], allowed: tuple[type[Exception], ...]) -> T:
    try:
        return task.result()
    except allowed:
        raise
    except asyncio.CancelledError as error:
        raise SinkBug("the sink cancelled itself") from error
    except Exception as error:
        raise _bug(error) from error


def _bug(error: Exception) -> SinkBug:
    return SinkBug(f"unexpected {type(error).__name__} in the sink: {error}")
