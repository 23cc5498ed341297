"""A feed that is tested all the time: a test alarm goes the whole way, from the watch to the broker and back."""

import json
from collections.abc import Callable
from typing import Final

from agent.domain.alarm import AlarmKind
from agent.domain.clock import Clock, Instant
from agent.domain.equipment import FEED
from agent.domain.farm import Equipment

_FIRST_AFTER_S: Final = 600.0
_BACK_WITHIN_S: Final = 60.0

Follow = Callable[[Equipment, AlarmKind, bool | None, str, Instant], None]


class FeedTest:
    """Raises and clears the test alarm by `follow`, which is `Pipeline.follow`, every `every_s` (0: never).

    `hear` takes the events that come back; `look` says what is wrong with the feed, "" if nothing is.
    """

    def __init__(self, every_s: float, follow: Follow, trouble: Callable[[], str | None], clock: Clock) -> None:
        self._every_s = every_s
        self._follow = follow
        self._trouble = trouble
        self._clock = clock
        self._name = f"{FEED}/{AlarmKind.FEED_TEST.value}"
        self._sent_s: float | None = None

    async def run(self) -> None:
        """Ends by cancellation; at once if there is nothing to do."""
        if self._every_s == 0:
            return
        await self._clock.sleep(min(_FIRST_AFTER_S, self._every_s))
        while True:
            self.send()
            await self._clock.sleep(self._every_s)

    def send(self) -> None:
        at = self._clock.now()
        if self._sent_s is None:  # one that is missing stays missing until something comes back
            self._sent_s = at.boot_s
        self._follow(FEED, AlarmKind.FEED_TEST, True, "a test of the alarm feed: nothing to do", at)
        self._follow(FEED, AlarmKind.FEED_TEST, False, "the test of the alarm feed is over", at)

    def hear(self, payload: bytes) -> None:
        """An event came back from the broker."""
        try:
            event = json.loads(payload)
        except (ValueError, RecursionError):
            return  # not ours
        if isinstance(event, dict) and event.get("alarm") == self._name:
            self._sent_s = None

    def look(self) -> str:
        if trouble := self._trouble():
            return trouble
        if self._sent_s is not None and self._clock.boot_s() - self._sent_s > _BACK_WITHIN_S:
            return "a test alarm did not come back: may the gateway write and read …/alarm/event on the broker?"
        return ""
