"""What the backlog has for one sink, as batches."""

import asyncio
import logging

from agent.domain.clock import Clock
from agent.domain.errors import StoreError
from cloud_sync.uplink.attempt import Attempt
from cloud_sync.uplink.batch import Batch, built, happened
from cloud_sync.uplink.interfaces import Backlog, Lane
from cloud_sync.uplink.lanes import Lanes

log = logging.getLogger(__name__)


class Supply:
    """The part of `backlog` that is `sink`'s. What it takes is patient until the link has been up for `patience_s`:
    readings whose time is not known yet had the chance to get it from the network that came with the link.

    Settling goes on by itself, since a store that is just committing would hold up the sink; all but `take` of what is
    still `beyond` waits for it, and raises StoreError if it failed.
    """

    def __init__(self, sink: str, backlog: Backlog, gateway_id: str, clock: Clock, patience_s: float) -> None:
        self._sink = sink
        self._backlog = backlog
        self._gateway = gateway_id
        self._clock = clock
        self._patience_s = patience_s
        self._up_since: float | None = None
        self._settling: asyncio.Task[None] | None = None

    def link_is(self, up: bool) -> None:
        self._up_since = self._clock.boot_s() if up else None

    async def take(self, lane: Lane, limit: int, beyond: int = 0) -> Batch | None:
        """The next batch of at most `limit`, or None if the lane is empty."""
        if not beyond:
            await self.settled()
        patient = self._up_since is None or self._clock.boot_s() - self._up_since < self._patience_s
        taken = await self._backlog.take(self._sink, lane, limit, beyond, patient)
        return await built(taken, limit, self._gateway) if taken.entries else None

    async def settle(self, lane: Lane, batch: Batch, attempt: Attempt) -> None:
        """Begin to settle what the attempt has achieved."""
        await self.settled()
        if attempt.upto is not None:
            settling = self._backlog.settle(self._sink, lane, batch.after, attempt.upto, attempt.rejected)
            self._settling = asyncio.ensure_future(settling)

    async def settled(self) -> None:
        """Return when what was begun to be settled is."""
        settling = self._settling
        if settling is None:
            return
        try:
            await asyncio.shield(settling)
        finally:
            if settling.done():  # not if only the waiting was cancelled
                self._settling = None

    async def finish(self) -> None:
        """Wait for what is being settled; what cannot be noted any more is sent again after the next start."""
        try:
            await self.settled()
        except StoreError as error:
            log.warning("sink %s: what it took last is not noted and will be sent again: %s", self._sink, error)

    async def wait(self, seconds: float) -> None:
        await self.settled()
        await self._backlog.wait(seconds)

    async def look(self, lanes: Lanes) -> None:
        """See what waits longest in each lane, for the status alone: a patient look decides nothing."""
        for standing in lanes:
            try:
                await self.settled()
                taken = await self._backlog.take(self._sink, standing.lane, 1, patient=True)
            except StoreError:
                return  # whoever wants to send it meets this too, and tells
            standing.oldest = happened(taken.entries[0]) if taken.entries else None
