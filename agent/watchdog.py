"""Progress, told to the service manager: the process lives on only while readings get on.

Being alive is not enough. Each bus must end a turn, and the store a commit, within its patience; the word comes from
the event loop, so one that is blocked says nothing. What fails and says so has got on: a dead probe, port or cloud and
a full disk restart nothing, since a restart would mend none of them.
"""

import logging
import os
import socket
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final, NamedTuple, Protocol

from agent.domain.clock import Clock

log = logging.getLogger(__name__)

BUS_WITHIN_S: Final = 90.0
"""For one turn: an SDI-12 sensor may take 30 s to measure, and a device that is slow but answers many requests."""
STORE_WITHIN_S: Final = 180.0
"""For one commit: after damage the database is opened anew, and a card may be slow."""
OPENING_WITHIN_S: Final = 900.0
"""To open the ring buffer, which after a power cut is read through, and for the checks to learn the last day."""

_LOOKED_EVERY_S: Final = 2.0
_LATE_S: Final = 2 * _LOOKED_EVERY_S


class Step(NamedTuple):
    """A part that has to get on: `since_s` (boot seconds) is when it last did, or will next have to."""

    name: str
    since_s: float
    within_s: float


class Patience:
    """Decides who is stuck. Only time in which somebody looked counts: a machine or process that slept in between has
    made nobody late.
    """

    def __init__(self, now_s: float) -> None:
        self._looked_s = now_s
        self._waited: dict[str, tuple[float, float]] = {}

    def stuck(self, steps: Iterable[Step], now_s: float) -> list[str]:
        """What has not got on in its time, in words."""
        passed_s = min(now_s - self._looked_s, _LATE_S)
        self._looked_s = now_s
        found = []
        for step in steps:
            since_s, waited_s = self._waited.get(step.name, (step.since_s, 0.0))
            waited_s = waited_s + passed_s if since_s == step.since_s < now_s else 0.0
            self._waited[step.name] = step.since_s, waited_s
            if waited_s > step.within_s:
                found.append(f"{step.name} has not got on for {waited_s:.0f} s")
        return found


class Supervisor(Protocol):
    """Who starts this process again."""

    def tell(self, *lines: str) -> None:
        """Assignments such as READY=1; see sd_notify(3)."""


class Systemd:
    """sd_notify(3): a datagram to the socket that systemd named. Where it named none, nobody is told."""

    def __init__(self, address: str | None) -> None:
        self._address = address and ("\0" + address[1:] if address.startswith("@") else address)

    @classmethod
    def of_environment(cls) -> "Systemd":
        return cls(os.environ.get("NOTIFY_SOCKET"))

    def tell(self, *lines: str) -> None:
        """Never waits and never fails: a word that gets lost is said again with the next look."""
        if not self._address:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sending:
            sending.sendto("\n".join(lines).encode(), self._address)


class Watchdog:
    """Tells `supervisor` every two seconds that `steps` get on, and what `status` says; or, once, that one is stuck."""

    def __init__(
        self, steps: Callable[[], Iterable[Step]], status: Callable[[], str], supervisor: Supervisor, clock: Clock
    ) -> None:
        self._steps = steps
        self._status = status
        self._supervisor = supervisor
        self._clock = clock
        self._given_up = False

    async def run(self) -> None:
        """Ends by cancellation."""
        patience = Patience(self._clock.boot_s())
        while True:
            self.look(patience)
            await self._clock.sleep(_LOOKED_EVERY_S)

    def look(self, patience: Patience) -> None:
        stuck = patience.stuck(self._steps(), self._clock.boot_s())
        if not stuck:
            self._given_up = False
            self._supervisor.tell("WATCHDOG=1", f"STATUS={self._status()}")
        elif not self._given_up:
            self._given_up = True
            log.critical("%s: asking to be started anew", "; ".join(stuck))
            self._supervisor.tell("WATCHDOG=trigger", f"STATUS={'; '.join(stuck)}")
