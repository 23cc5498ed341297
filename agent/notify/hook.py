"""A program of the farm's own, run once for every alarm that it shall get, with the alarm as JSON on standard input.

One at a time, in order, in a process group that is killed when it takes too long. It gets no environment but PATH and
LANG, so no secret of the gateway's; what it prints goes where the gateway's own log goes. Exit status 0: done. 75 (try
again later, after sysexits.h): tried until it works. Any other: tried a few times, then left out.
"""

import asyncio
import json
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from agent.alarm_messages import state
from agent.domain.alarm import AlarmChange
from agent.notify.follower import NotNow, Refused

_TRY_LATER: Final = 75


@dataclass(frozen=True, slots=True)
class HookSettings:
    """The program and its arguments; no shell comes in between."""

    command: tuple[str, ...]
    timeout_s: float = 10.0


class Hook:
    """See `agent.notify.follower.Way`."""

    at_once = 1
    pause_s = 0.0

    def __init__(self, settings: HookSettings, gateway: str) -> None:
        self._settings = settings
        self._gateway = gateway

    async def send(self, changes: Sequence[AlarmChange]) -> None:
        for change in changes:
            told = {"gateway": self._gateway} | state(change.alarm, change.standing, change)
            await self._run(json.dumps(told).encode("ascii") + b"\n")

    async def _run(self, told: bytes) -> None:
        program, timeout_s = self._settings.command[0], self._settings.timeout_s
        environment = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"}
        try:
            process = await asyncio.create_subprocess_exec(
                *self._settings.command, stdin=asyncio.subprocess.PIPE, env=environment, start_new_session=True
            )
        except OSError as error:
            raise NotNow(f"{program} cannot be started: {error.strerror}") from error
        try:
            async with asyncio.timeout(timeout_s):
                await process.communicate(told)
        except TimeoutError as error:
            raise Refused(f"{program} took longer than {timeout_s:g} s and was stopped") from error
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        if process.returncode == _TRY_LATER:
            raise NotNow(f"{program} wants to be called again later (exit status {_TRY_LATER})")
        if process.returncode:
            raise Refused(f"{program} failed with exit status {process.returncode}")
