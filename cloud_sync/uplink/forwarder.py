"""One task a sink: take what is still to be delivered, send it, settle what the sink has, and back off when it has not.

Nothing is settled that the sink has not accepted or, beyond doubt, refused (see `attempt`). Whatever a sink raises
ends in a pause and a new connection, so neither an outage nor a bug of one sink reaches another one or the gateway.
"""

import asyncio
import random
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import TypeVar

from agent.domain.clock import Clock
from agent.domain.errors import SinkMisconfigured, SinkUnavailable, StoreError
from cloud_sync.contract.record import Record
from cloud_sync.contract.records import record
from cloud_sync.uplink.attempt import MOST_SUSPECTS, Attempt
from cloud_sync.uplink.backoff import DEFAULT_PACE, Backoff, Pace, Uniform
from cloud_sync.uplink.interfaces import Backlog, BatchRefused, DeadLetter, Delivery, Entry, Lane, Sink, Taken, TryLater
from cloud_sync.uplink.status import SinkStatus, State, StatusBoard

T = TypeVar("T")

_LONGEST_WAIT_S = 2.0  # the backlog's `wait` may miss what is stored just before it is called


class _SinkBug(SinkUnavailable):
    """The sink raised what no sink should; the cause says what."""


@dataclass(slots=True)
class _Standing:
    """Where one lane stands: not looked at before `due_s`; the entries up to `doubtful_upto` were offered, and some
    of them refused, so they are offered again with later ones, or alone at `again_s` (boot clock).
    """

    lane: Lane
    due_s: float = 0.0
    doubtful_upto: int | None = None
    again_s: float = 0.0
    refused_as_a_whole: bool = False


class Forwarder:
    """Delivers the backlog to one sink for ever; `sink_name` is the name of its cursors in the backlog."""

    def __init__(
        self,
        sink_name: str,
        sink: Sink,
        backlog: Backlog,
        gateway_id: str,
        clock: Clock,
        pace: Pace = DEFAULT_PACE,
        uniform: Uniform = random.uniform,
    ) -> None:
        self._name = sink_name
        self._sink = sink
        self._backlog = backlog
        self._gateway = gateway_id
        self._clock = clock
        self._pace = pace
        self._backoff = Backoff(pace, uniform)
        self._board = StatusBoard(sink_name, clock)
        self._lanes = [_Standing(lane) for lane in Lane]
        self._limit = sink.batching.limit

    @property
    def status(self) -> SinkStatus:
        return self._board.status

    async def run(self) -> None:
        """Ends by cancellation, or with what the backlog raises other than StoreError; never because of the sink."""
        try:
            while True:
                pause_s = await self._until_trouble()
                await self._close()
                await self._clock.sleep(pause_s)
        finally:
            await self._close()

    async def _until_trouble(self) -> float:
        """Open the sink and deliver until something fails; returns the seconds to pause."""
        try:
            self._board.show(State.CONNECTING)
            self._limit = self._sink.batching.limit
            await self._guarded(self._sink.open())
            while True:
                if not await self._deliver_most_urgent():
                    self._board.show(State.IDLE)
                    await self._backlog.wait(self._until_due())
        except SinkMisconfigured as error:
            return self._tell(State.MISCONFIGURED, error, self._pace.probe_s)
        except TryLater as error:
            return self._tell(State.WAITING, error, self._backoff.delay_s(error.after_s))
        except (SinkUnavailable, StoreError) as error:
            return self._tell(State.WAITING, error, self._backoff.delay_s())

    def _tell(self, state: State, error: Exception, pause_s: float) -> float:
        cause = error.__cause__ if isinstance(error, _SinkBug) else None
        self._board.trouble(state, type(cause or error).__name__, str(error), pause_s, cause)
        return pause_s

    async def _deliver_most_urgent(self) -> bool:
        """One batch of the most urgent lane that has something to deliver; False if none has."""
        for lane in self._lanes:
            if self._clock.boot_s() < lane.due_s:
                continue
            limit = self._limit if lane.doubtful_upto is None else max(self._limit, 2 * MOST_SUSPECTS)
            taken = await self._backlog.take(self._name, lane.lane, limit)
            if not taken.entries:
                lane.doubtful_upto = None
            elif taken.entries[-1].seq != lane.doubtful_upto or self._clock.boot_s() >= lane.again_s:
                await self._deliver(lane, taken)
                if len(taken.entries) < limit and lane.lane is Lane.LIVE:
                    lane.due_s = max(lane.due_s, self._clock.boot_s() + self._sink.batching.linger_s)
                return True
        return False

    async def _deliver(self, lane: _Standing, taken: Taken) -> None:
        """Offer the entries and settle what came of it, also when the sink failed half-way."""
        attempt = Attempt(self._send, self._limit)
        records = self._records(taken.entries)
        failure: SinkUnavailable | SinkMisconfigured | None = None
        try:
            await attempt.offer(records)
        except (SinkUnavailable, SinkMisconfigured) as error:
            failure = error
        self._limit = attempt.size_that_fits or min(self._limit * 5 // 4 + 1, self._sink.batching.limit)
        if attempt.upto is not None:
            await self._backlog.settle(self._name, lane.lane, taken.after, attempt.upto, attempt.rejected)
            self._backoff.reset()
            self._board.progress(lane.lane, attempt.accepted, attempt.rejected)
        if failure is not None:
            raise failure
        if attempt.kept_because is not None:
            raise SinkUnavailable(attempt.kept_because)
        self._judge(lane, attempt, records[-1].seq)

    def _judge(self, lane: _Standing, attempt: Attempt, last_seq: int) -> None:
        """Put the lane off if the sink refused its records and nothing proves that they are to blame."""
        lane.doubtful_upto = last_seq if attempt.suspects else None
        lane.again_s = self._clock.boot_s() + self._pace.probe_s
        lane.refused_as_a_whole = attempt.sink_is_to_blame
        if attempt.sink_is_to_blame:
            lane.due_s = lane.again_s
            because = f"every record of {lane.lane.value} is refused, the first one because: "
            because += attempt.suspects[0].because
            self._board.trouble(State.MISCONFIGURED, lane.lane.value, because, self._pace.probe_s)
        elif attempt.suspects:
            self._board.doubt(attempt.suspects[0].because)
        elif not any(other.refused_as_a_whole for other in self._lanes):
            self._board.well()

    def _until_due(self) -> float:
        now = self._clock.boot_s()
        return min([_LONGEST_WAIT_S, *(lane.due_s - now for lane in self._lanes if lane.due_s > now)])

    def _records(self, entries: Sequence[Entry]) -> list[Record]:
        """The first of them that belong to one topic: dead letters may be of several."""
        try:
            records = [_record(entry, self._gateway) for entry in entries]
        except Exception as error:
            raise _SinkBug(f"records cannot be built: {error!r}") from error
        return list(takewhile(lambda record: record.topic == records[0].topic, records))

    async def _send(self, batch: Sequence[Record]) -> Delivery:
        return await self._guarded(self._sink.send(batch))

    async def _guarded(self, call: Awaitable[T]) -> T:
        """What the sink returns in time. Anything it should not raise becomes a _SinkBug."""
        deadline_s = self._sink.batching.deadline_s
        try:
            async with asyncio.timeout(deadline_s) as deadline:
                return await call
        except (SinkUnavailable, SinkMisconfigured, BatchRefused):
            raise
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise _SinkBug("the sink cancelled itself") from error
        except Exception as error:
            if deadline.expired():
                raise SinkUnavailable(f"no answer within {deadline_s:g} s") from error
            raise _SinkBug(f"unexpected {type(error).__name__} in the sink: {error}") from error

    async def _close(self) -> None:
        try:
            await self._guarded(self._sink.close())
        except Exception as error:
            self._board.complain("closing", f"closing failed: {error}", error.__cause__)


def _record(entry: Entry, gateway: str) -> Record:
    if isinstance(entry, DeadLetter):
        return record(entry.entry, gateway)._replace(seq=entry.seq)
    return record(entry, gateway)
