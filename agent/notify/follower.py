"""Follows the alarms for one way out, and remembers in a small file how far it has got.

Nothing waits for it: what it takes lies in a queue of its own, the oldest leave it when it is full, and a way that does
not work is tried again with growing pauses. After a restart it goes on from the alarm log where the file says; what was
on its way at that moment goes out twice.
"""

import asyncio
import logging
import os
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final, Protocol

from agent.domain.alarm import SET_ASIDE, AlarmChange, AlarmKind, Event, Priority
from agent.domain.clock import Clock
from agent.domain.errors import AquaError

log = logging.getLogger(__name__)

MOST_WAITING: Final = 500
_TRIES: Final = 5
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0


class NotNow(AquaError):
    """It does not work at present; tried again until it does."""


class Refused(AquaError):
    """This is not wanted as it is; tried a few times, then left out so that the next can go."""


class Way(Protocol):
    """How changes go out: at most `at_once` together, and `pause_s` after each sending, so that more come together."""

    at_once: int
    pause_s: float

    async def send(self, changes: Sequence[AlarmChange]) -> None:
        """Raises NotNow, Refused."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which changes go out: of these priorities, kinds and events; no kinds are all."""

    priorities: Sequence[Priority]
    kinds: Sequence[AlarmKind]
    events: Sequence[Event]

    def __contains__(self, change: AlarmChange) -> bool:
        alarm, standing, event = change.alarm, change.standing, change.event
        if event in (Event.RAISED, Event.CLEARED) and standing.state in SET_ASIDE:
            return False
        if event is Event.RESTORED and standing.active:
            event = Event.RAISED  # it comes off the shelf, and nobody was told while it was there
        return (
            alarm.priority in self.priorities and event in self.events and (not self.kinds or alarm.kind in self.kinds)
        )


class Follower:
    """`mark` is the file with the number of the last change that went out. `trouble` says why none does, or is None."""

    def __init__(self, name: str, way: Way, wanted: Wanted, mark: Path, clock: Clock) -> None:
        self.name = name
        self._way = way
        self._wanted = wanted
        self._mark = mark
        self._clock = clock
        self._waiting: deque[AlarmChange] = deque()
        self._news = asyncio.Event()
        self.trouble: str | None = None
        self.sent = self.dropped = self.given_up = 0

    def status(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "name": self.name, "trouble": self.trouble, "waiting": len(self._waiting), "sent": self.sent,
            "dropped": self.dropped, "given_up": self.given_up,
        }  # fmt: skip

    async def resume(self, newest: int, after: Callable[[int], Awaitable[Iterable[AlarmChange]]]) -> None:
        """Before `run`: go on `after` the last change that went out; the first time after the `newest` there is."""
        try:
            reached = int(await asyncio.to_thread(self._mark.read_text, encoding="ascii"))
        except (OSError, ValueError):
            await self._has_reached(newest)
            return
        self.tell(await after(reached))

    def tell(self, changes: Iterable[AlarmChange]) -> None:
        """Take those that are wanted; never waits."""
        self._waiting.extend(change for change in changes if change in self._wanted)
        while len(self._waiting) > MOST_WAITING:
            self._waiting.popleft()
            self.dropped += 1
        if self._waiting:
            self._news.set()

    async def run(self) -> None:
        """Ends by cancellation."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                batch = list(islice(self._waiting, self._way.at_once))
                await self._send(batch)
                while self._waiting and self._waiting[0].seq <= batch[-1].seq:
                    self._waiting.popleft()
                await self._has_reached(batch[-1].seq)
                await self._clock.sleep(self._way.pause_s)

    async def _send(self, batch: Sequence[AlarmChange]) -> None:
        """Until they have gone out, or are given up."""
        pause_s, refusals = _FIRST_PAUSE_S, 0
        while refusals < _TRIES:
            try:
                await self._way.send(batch)
            except NotNow as error:
                self._tell_trouble(str(error))
            except Refused as error:
                refusals += 1
                self._tell_trouble(str(error))
            except Exception as bug:
                log.exception("A bug in notify.%s", self.name)
                refusals += 1
                self._tell_trouble(f"a bug, see the log: {bug!r}")
            else:
                self.sent += len(batch)
                self.trouble = None
                return
            await self._clock.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        self.given_up += len(batch)
        log.error("notify.%s gives up %s after %d tries: %s", self.name, batch[0].message, _TRIES, self.trouble)

    def _tell_trouble(self, trouble: str) -> None:
        if trouble != self.trouble:
            log.error("notify.%s: %s; alarms wait for it", self.name, trouble)
        self.trouble = trouble

    async def _has_reached(self, seq: int) -> None:
        try:
            await asyncio.to_thread(_write, self._mark, str(seq))
        except OSError as error:
            log.error("notify.%s cannot note what it sent, and would send it again: %s", self.name, error)


def _write(path: Path, text: str) -> None:
    """All of it or nothing, whatever happens in between. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    with fresh.open("w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
