"""The first lane: changes of alarms, in order, until the broker has confirmed them."""

import logging
from collections import deque
from collections.abc import Iterable

from agent.alarm_messages import event_json
from agent.domain.alarm import AlarmChange
from agent.feed.lanes import Message
from agent.feed.states import States

log = logging.getLogger(__name__)

_MOST_WAITING = 20_000


class Changes:
    """Each change is two messages: where the alarm stands now, then the event. `confirmed_seq` is the newest change
    that the broker has, 0 before the first.
    """

    def __init__(self, event_topic: str, states: States) -> None:
        self._topic = event_topic
        self._states = states
        self._waiting: deque[AlarmChange] = deque()
        self._sending: AlarmChange | None = None
        self._state_sent = False
        self.confirmed_seq = 0
        self.published = 0
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def tell(self, changes: Iterable[AlarmChange]) -> None:
        self._waiting.extend(changes)
        while len(self._waiting) > _MOST_WAITING:
            self._waiting.popleft()  # its state is still published, and it stays in the alarm log
            self.dropped += 1
            if self.dropped == 1:
                log.error("The MQTT broker has been away for too long: the oldest events are left out from now on")

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
