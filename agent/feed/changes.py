"""The first lane: changes of alarms, in order, until the broker has confirmed them.

However long the broker is away, memory is bounded: the oldest changes that it lacks wait here, and the newest; what
comes between is left to the alarm log, and read from there when its turn has come. Should the log not give it, the
newest go on without it: an alarm waits for no disk.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence

from agent.alarm_messages import event_json
from agent.domain.alarm import AlarmChange
from agent.feed.lanes import Message
from agent.feed.states import States

log = logging.getLogger(__name__)

LoggedAfter = Callable[[int], Awaitable[Sequence[AlarmChange]]]
"""Given a sequence number, the changes that follow it in the alarm log, the oldest first; none if it cannot be read."""

_MOST_WAITING = 10_000  # in memory, of the oldest and of the newest
_LOG_WITHIN_S = 5.0


class Changes:
    """Each change is two messages: where the alarm stands now, then the event. `confirmed_seq` is the newest change
    that the broker has, 0 before the first; `dropped` counts events that neither memory nor the log had any more.
    """

    def __init__(self, event_topic: str, states: States) -> None:
        self._topic = event_topic
        self._states = states
        self._waiting: deque[AlarmChange] = deque()
        self._newest: deque[AlarmChange] = deque()
        self._left = self._left_upto = 0  # to the log: so many, up to this number
        self._sending: AlarmChange | None = None
        self._state_sent = False
        self.confirmed_seq = 0
        self.published = 0
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._waiting) + self._left + len(self._newest)

    def leave_to_log(self, count: int, upto: int) -> None:
        """After those told so far so many more follow in the log, up to that number."""
        self._left += count
        self._left_upto = upto

    def tell(self, changes: Iterable[AlarmChange]) -> None:
        for change in changes:
            if len(self._waiting) < _MOST_WAITING and not (self._newest or self._left_upto):
                self._waiting.append(change)
                continue
            self._newest.append(change)
            if len(self._newest) > _MOST_WAITING:
                self.leave_to_log(1, self._newest.popleft().seq)

    async def refill(self, logged_after: LoggedAfter) -> None:
        """When all that waited is gone: what the log has is next, then the newest."""
        if self._waiting or not (self._newest or self._left_upto):
            return
        if self._left_upto:
            found = await _in_time(logged_after, self.confirmed_seq)
            self._waiting.extend(change for change in found if change.seq <= self._left_upto)
            self._left = max(0, self._left - len(self._waiting))
            if self._waiting and self._waiting[-1].seq < self._left_upto:
                return
            self._no_more_is_left()
        if not self._waiting:
            self._waiting, self._newest = self._newest, deque()

    def _no_more_is_left(self) -> None:
        if self._left:
            log.error("The alarm log does not give all that waited in it for MQTT: %d events are left out", self._left)
        self.dropped += self._left
        self._left = self._left_upto = 0

    def first(self) -> Message | None:
        if not self._waiting:
            return None
        change = self._waiting[0]
        if change is not self._sending:
            self._sending, self._state_sent = change, False
        if not self._state_sent and self._states.is_newest(change):  # a state never goes back to an older one
            return self._states.message(change.alarm)
        self._state_sent = True
        return Message(self._topic, event_json(change))

    def sent(self) -> None:
        if not self._state_sent:
            self._state_sent = True
            return
        if self._sending is not None:
            self.published += 1
            self.confirmed_seq = self._sending.seq
        if self._waiting and self._waiting[0] is self._sending:
            self._waiting.popleft()
        self._sending = None

    def reconnected(self) -> None:
        self._sending = None


async def _in_time(logged_after: LoggedAfter, seq: int) -> Sequence[AlarmChange]:
    try:
        async with asyncio.timeout(_LOG_WITHIN_S):
            return await logged_after(seq)
    except TimeoutError:
        return ()
