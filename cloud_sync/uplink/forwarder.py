"""One task a sink: take what is still to be delivered, send it, settle what the sink has, and back off when it has not.

Nothing is settled that the sink has not accepted or, beyond doubt, refused (see `attempt`). Whatever a sink raises
ends in a pause and a new connection (see `breaker`), so neither an outage nor a bug of one sink reaches another one or
the gateway.
"""

import asyncio
import random
from functools import partial

from agent.domain.clock import Clock
from agent.domain.errors import SinkMisconfigured, SinkUnavailable, StoreError
from cloud_sync.uplink.attempt import MOST_SUSPECTS, Attempt
from cloud_sync.uplink.batch import Batch
from cloud_sync.uplink.breaker import DEFAULT_PACE, Breaker, Circuit, Failure, Pace, Uniform
from cloud_sync.uplink.contained import Contained, SinkBug
from cloud_sync.uplink.interfaces import Backlog, Lane, Sink, TryLater
from cloud_sync.uplink.lanes import Lanes, Standing
from cloud_sync.uplink.link import DEFAULT_LINK, Link
from cloud_sync.uplink.sender import Sender
from cloud_sync.uplink.status import SinkStatus, State, StatusBoard
from cloud_sync.uplink.supply import Supply

_LONGEST_WAIT_S = 2.0  # the backlog's `wait` may miss what is stored just before it is called

Trouble = SinkUnavailable | SinkMisconfigured | StoreError
_TROUBLE = (SinkUnavailable, SinkMisconfigured, StoreError)


class Forwarder:
    """Delivers the backlog to one sink for ever; `sink_name` is the sink's name in the backlog."""

    def __init__(
        self,
        sink_name: str,
        sink: Sink,
        backlog: Backlog,
        gateway_id: str,
        clock: Clock,
        link: Link = DEFAULT_LINK,
        pace: Pace = DEFAULT_PACE,
        uniform: Uniform = random.uniform,
    ) -> None:
        self._sink = Contained(sink)
        self._clock = clock
        self._pace = pace
        self._uniform = uniform
        own = self._sink.batching
        self._linger_s = own.linger_s
        patience_s = own.clock_patience_s if link.clock_patience_s is None else link.clock_patience_s
        self._supply = Supply(sink_name, backlog, gateway_id, clock, patience_s)
        self._sender = Sender(self._sink, link.max_kbit_s, clock)
        self._lanes = Lanes(link.metered, own.health)
        self._breaker = Breaker(pace)
        self._board = StatusBoard(sink_name, clock)

    @property
    def status(self) -> SinkStatus:
        return self._board.status(self._breaker.circuit, self._lanes)

    async def run(self) -> None:
        """Ends by cancellation, or with what the backlog raises other than StoreError; never because of the sink."""
        try:
            while True:
                self._fail(await self._until_trouble())
                await self._close()
                await self._supply.look(self._lanes)
                while pause_s := self._breaker.pause_s(self._clock.boot_s()):
                    await self._clock.sleep(pause_s)
                self._breaker = self._breaker.rested(self._clock.boot_s())
        finally:
            await self._supply.finish()
            await self._close()

    async def _until_trouble(self) -> Trouble:
        """Open the sink and deliver until something fails."""
        try:
            self._board.show(State.CONNECTING)
            await self._sink.open()
            self._supply.link_is(up=True)
            while True:
                if not await self._use_a_slot():
                    self._board.show(State.IDLE)
                    await self._supply.wait(self._until_due_s())
                    self._lanes.news()
        except _TROUBLE as error:
            return error

    def _fail(self, error: Trouble) -> None:
        self._supply.link_is(up=False)
        self._lanes.forget_what_is_ahead()
        failure, now = _failure(error), self._clock.boot_s()
        wish_s = error.after_s if isinstance(error, TryLater) else 0.0
        self._breaker = self._breaker.failed(failure, now, self._uniform, wish_s)
        state = State.FAILING if self._breaker.is_loud else State.WAITING
        if failure is Failure.NEEDS_A_PERSON:
            state = State.MISCONFIGURED
        bug = error.__cause__ if isinstance(error, SinkBug) else None
        self._board.trouble(state, type(bug or error).__name__, str(error), self._breaker.pause_s(now), bug)

    async def _use_a_slot(self) -> bool:
        """One batch of whoever's turn it is; False if nobody has anything to send now."""
        for standing in self._lanes.in_turn():
            batch = await self._next_batch(standing)
            if batch is not None:
                await self._deliver(standing, batch)
                return True
            self._lanes.slots.passed(standing.lane)
        return False

    async def _next_batch(self, standing: Standing) -> Batch | None:
        now, lane = self._clock.boot_s(), standing.lane
        if now < max(standing.due_s, standing.ask_s) or (lane is not Lane.ALERTS and self._sender.wait_s()):
            return None
        if lane is Lane.REPLAY and self._lanes.some_are_refused:
            return None
        limit = self._sender.size.now if standing.doubtful_upto is None else self._enough_for_a_verdict()
        batch = standing.ahead or await self._supply.take(lane, self._breaker.most(limit))
        standing.ahead, standing.oldest = None, batch.oldest if batch else None
        if batch is None:
            standing.doubtful_upto = None
            standing.was_empty(now)
        elif batch.upto == standing.doubtful_upto and now < standing.again_s and not self._wanted(standing, batch):
            return None
        return batch

    def _wanted(self, standing: Standing, batch: Batch) -> bool:
        """Whether something can be learnt from offering what was refused before: about it, or about the link."""
        return self._lanes.proven(standing, batch) or self._breaker.circuit is Circuit.HALF_OPEN

    def _enough_for_a_verdict(self) -> int:
        return max(self._sender.size.now, 2 * MOST_SUSPECTS)

    async def _deliver(self, standing: Standing, batch: Batch) -> None:
        """Offer the batch and settle what came of it, also when the sink failed half-way. Meanwhile the next one is
        taken, so that the sink need not wait for the store; it counts only if this one leaves no question open.
        """
        limit = 1 if standing.refused_as_a_whole else self._sender.size.now
        attempt = Attempt(partial(self._sender.send, batch), limit)
        ahead = None
        if batch.full and standing.doubtful_upto is None and self._breaker.circuit is Circuit.CLOSED:
            ahead = asyncio.create_task(self._look_ahead(standing.lane, batch.upto))
        try:
            failure = await self._offer(attempt, standing, batch)
            self._lanes.slots.used(standing.lane, attempt.sends)
            await self._book(standing, batch, attempt)
            if failure is not None:
                raise failure
            self._judge(standing, batch, attempt)
            if ahead is not None and not attempt.suspects:
                standing.ahead = await ahead
                standing.oldest = standing.ahead.oldest if standing.ahead else None
        finally:
            if ahead is not None:
                ahead.cancel()
                await asyncio.gather(ahead, return_exceptions=True)

    async def _look_ahead(self, lane: Lane, beyond: int) -> Batch | None:
        """While the batch before is on its way."""
        batch = await self._supply.take(lane, self._sender.size.now, beyond)
        if batch is not None:
            self._sender.pack_ahead(batch)
        return batch

    async def _offer(self, attempt: Attempt, standing: Standing, batch: Batch) -> Trouble | None:
        """What kept the sink from deciding on the whole batch."""
        try:
            await attempt.offer(batch.records)
            if attempt.kept_because is not None:
                return SinkUnavailable(attempt.kept_because)
            if standing.lane is Lane.REPLAY:  # set aside before, for good reasons; it loses nothing by staying there
                await attempt.confirm(batch.upto)
            elif self._lanes.proven(standing, batch) and not attempt.sink_is_to_blame:
                await attempt.confirm(standing.doubtful_upto or 0)
        except (SinkUnavailable, SinkMisconfigured) as error:
            return error
        return None

    async def _book(self, standing: Standing, batch: Batch, attempt: Attempt) -> None:
        await self._supply.settle(standing.lane, batch, attempt)
        if self._breaker.circuit is Circuit.HALF_OPEN:
            await self._supply.settled()  # a store that cannot note it makes the probe fail, too
        if attempt.upto == batch.upto:
            standing.oldest = None
        if attempt.accepted:
            self._breaker = self._breaker.acknowledged()
            self._lanes.acknowledged(batch.topic)
        if attempt.accepted or attempt.rejected:
            self._board.progress(standing.lane, attempt.accepted, attempt.rejected)

    def _judge(self, standing: Standing, batch: Batch, attempt: Attempt) -> None:
        """Put the lane off if the sink refused its records and nothing proves that they are to blame."""
        now, lane = self._clock.boot_s(), standing.lane
        standing.refused_as_a_whole = attempt.sink_is_to_blame
        standing.doubtful_upto = None
        if not attempt.accepted:
            self._breaker = self._breaker.failed(Failure.POISON, now, self._uniform)
        if attempt.suspects:
            self._lanes.doubt(standing, batch, now + self._pace.probe_s)
        if attempt.sink_is_to_blame:
            standing.due_s = standing.again_s
            because = f"every record of {lane.value} is refused, the first one because: {attempt.suspects[0].because}"
            self._board.trouble(State.MISCONFIGURED, lane.value, because, self._pace.probe_s)
        elif attempt.suspects:
            self._board.doubt(attempt.suspects[0].because)
        elif not self._lanes.some_are_refused:
            self._board.well()
        if lane is Lane.LIVE and not batch.full:
            standing.due_s = max(standing.due_s, now + self._linger_s)

    def _until_due_s(self) -> float:
        waits = (self._lanes.next_due_s(self._clock.boot_s()), self._sender.wait_s())
        return min([_LONGEST_WAIT_S, *(seconds for seconds in waits if seconds)])

    async def _close(self) -> None:
        try:
            await self._sink.close()
        except (SinkUnavailable, SinkMisconfigured) as error:
            self._board.complain("closing", f"closing failed: {error}", error.__cause__)


def _failure(error: Trouble) -> Failure:
    if isinstance(error, SinkMisconfigured):
        return Failure.NEEDS_A_PERSON
    return Failure.UNKNOWN if isinstance(error, SinkBug) else Failure.RETRIABLE
