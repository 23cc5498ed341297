"""SDI-12 through a serial adapter that passes commands and answers on as text, and sees to break, levels and timing.

Several sensors share the line, each with an address of one character. A measurement is a conversation: the command,
when it will be ready, a service request or the time until then, and the values in pieces. Other commands on the line
would abort it, so the line belongs to it until the end; a concurrent one (`C`) gives the line free meanwhile.

A question without a good answer is asked again, three times in all as the specification (1.3, section 7.2) wants; but
a sensor that was silent the last time costs the others one timeout only.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from agent.domain.clock import Clock
from agent.domain.errors import BadReply, NoReply
from agent.domain.farm import BusSettings
from drivers import sdi12
from drivers.bus.serial_port import PortLine
from drivers.bus.tap import Tap

T = TypeVar("T")

_TRIES: Final = 3
_MOST_ANSWERS: Final = 10  # aD0! to aD9!


class Sdi12Line(PortLine):
    """An `Sdi12Bus`."""

    def __init__(self, settings: BusSettings, clock: Clock, tap: Tap | None = None) -> None:
        super().__init__(settings, clock, tap)
        self._timeout_s = settings.timeout_s
        self._silent: set[str] = set()

    async def measure(self, address: str, command: str, longest_s: float) -> tuple[float, ...]:
        async with self._lock:
            started = await self._start(address, command, longest_s)
            if not sdi12.concurrent(command):
                return await self._values(address, command, started.values)
        await self._clock.sleep(started.ready_s)
        async with self._lock:
            return await self._values(address, command, started.values)

    async def _start(self, address: str, command: str, longest_s: float) -> sdi12.Started:
        """Have the sensor measure. A service request comes before the time is up; a concurrent measurement has none."""
        question = f"{address}{command}!"

        async def ask() -> sdi12.Started:
            await self._port.silent()
            async with self._port.asked(question.encode("ascii"), self._timeout_s + longest_s):
                answer = await self._answer(question)
                started = self._understood(question, lambda: sdi12.started(answer, address, command))
                if started.ready_s > longest_s:
                    raise BadReply(f"{question} on {self._where}: wants {started.ready_s} s, more than {longest_s:g}")
                if not sdi12.concurrent(command):
                    await self._service_request(address, started.ready_s)
                return started

        return await self._tried(address, ask)

    async def _values(self, address: str, command: str, count: int) -> tuple[float, ...]:
        found: tuple[float, ...] = ()
        for n in range(_MOST_ANSWERS):
            question = f"{address}D{n}!"

            async def ask(question: str = question) -> tuple[float, ...]:
                await self._port.silent()
                async with self._port.asked(question.encode("ascii"), self._timeout_s):
                    answer = await self._answer(question)
                    checked = sdi12.with_crc(command)
                    return self._understood(question, lambda: sdi12.values(answer, address, checked))

            more = await self._tried(address, ask)
            found += more
            if len(found) >= count or not more:
                break
        if len(found) != count:
            raise BadReply(f"{address}{command}! on {self._where} gave {len(found)} values instead of {count}")
        return found

    async def _tried(self, address: str, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask until there is a good answer, but not for ever."""
        tries = 1 if address in self._silent else _TRIES
        while True:
            tries -= 1
            try:
                answer = await ask()
            except NoReply:
                if not tries:
                    self._silent.add(address)
                    raise
            except BadReply:
                if not tries:
                    raise
            else:
                self._silent.discard(address)
                return answer

    async def _answer(self, question: str) -> str:
        """The next line that is not the echo of our own question."""
        deadline = asyncio.get_running_loop().time() + self._timeout_s
        while True:
            line = await self._line(deadline)
            if line is None:
                received = bytes(self._port.received)
                if received.strip(b"\0"):
                    raise BadReply(f"bad answer to {question} on {self._where}: {received!r} and no line end")
                raise NoReply(f"no answer to {question} in {self._timeout_s:g} s on {self._where}")
            if answer := line.removeprefix(question):
                return answer

    async def _service_request(self, address: str, within_s: float) -> None:
        """Return when the sensor says that it is ready (its address alone), or when its time is up."""
        deadline = asyncio.get_running_loop().time() + within_s
        while True:
            line = await self._line(deadline)
            if line is None or line == address:
                return

    async def _line(self, deadline: float) -> str | None:
        """The next line with something in it; None when none is complete by then. A break may look like a zero."""
        loop = asyncio.get_running_loop()
        while True:
            line, end, rest = bytes(self._port.received).partition(b"\n")
            if end:
                self._port.received[:] = rest
                if text := line.strip(b"\0\r\n ").decode("latin-1"):
                    return text
            elif (left := deadline - loop.time()) <= 0 or not await self._port.more(left):
                return None

    def _understood(self, question: str, meaning: Callable[[], T]) -> T:
        try:
            return meaning()
        except sdi12.NotSdi12 as error:
            raise BadReply(f"bad answer to {question} on {self._where}: {error}") from error

    @property
    def _where(self) -> str:
        return self._port.device
