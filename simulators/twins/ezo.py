"""What all Atlas Scientific EZO circuits have in common on their UART, from the vendor's datasheets.

9600 8N1, ASCII, a carriage return ends a line in both directions. After power-up a circuit says *RS, boots, says *RE
and then reports a reading every second (continuous mode) until told `C,0`. `*OK` follows every command that is
understood (unless switched off by `*OK,0`), `*ER` answers every other; a reading or a calibration takes its time, and
commands are worked off one after the other. Case does not matter. `Sleep` answers *SL, the next byte wakes it: *WA.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import ClassVar

from simulators.lines.pty_port import PtyPort
from simulators.probe import Sense, Senses

_TICK_S = 0.05


class NotUnderstood(Exception):
    """The circuit answers *ER."""


class EzoTwin:
    """One circuit. A kind gives `reading` and the commands of its own (`more_commands`)."""

    model: ClassVar[str]
    channels: ClassVar[Mapping[str, Sense]]
    kind: ClassVar[str]
    firmware: ClassVar[str]
    read_s: ClassVar[float] = 0.6
    calibration_s: ClassVar[float] = 0.6
    boot_s: ClassVar[float] = 0.745

    def __init__(self, senses: Senses, name: str = "") -> None:
        self.senses = senses
        self.faults = senses.faults
        self.name = name or self.model
        self.settings: dict[str, str] = {"t": "25.0", "name": "", "l": "1"}
        self.calibrated: set[str] = set()
        self._commands: dict[str, Callable[[list[str]], list[str]]] = {
            "r": self._read,
            "c": self._continuous,
            "i": lambda _: [f"?I,{self.kind},{self.firmware}"],
            "status": lambda _: ["?Status,P,5.038"],
            "cal": self._calibrate,
            "sleep": self._sleep,
            "*ok": self._acknowledge,
            "name": lambda arguments: self.setting("name", arguments),
            "l": lambda arguments: self.setting("l", arguments),
            "find": lambda _: [],
            **self.more_commands(),
        }
        self._port: PtyPort | None = None
        self._running: asyncio.Task[None] | None = None
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        self._unread = self._last_line = b""
        self._report_every_s, self._acknowledges, self._asleep = 1.0, True, False

    def reading(self) -> str | None:
        """The answer to `R`; None where there is no value, and the circuit stays silent."""
        raise NotImplementedError

    def more_commands(self) -> dict[str, Callable[[list[str]], list[str]]]:
        """Commands in lower case → what answers them, without *OK; they raise NotUnderstood."""
        return {}

    def calibration_step(self, step: str) -> None:
        """A calibration with this lower-case argument ("" for none) was done."""
        self.calibrated.add(step)

    def setting(self, key: str, arguments: list[str]) -> list[str]:
        """`X,?` tells a setting as `?X,…`, `X,value` changes it."""
        if not arguments:
            raise NotUnderstood
        if arguments == ["?"]:
            return [f"?{key.upper() if len(key) < 3 else key.capitalize()},{self.settings[key]}"]
        self.settings[key] = arguments[0]
        return []

    def power_up(self, port: PtyPort) -> None:
        """Boot, and speak on `port` from now on."""
        self._port = port
        self._reset()
        self._running = asyncio.get_running_loop().create_task(self._run())

    def power_down(self) -> None:
        if self._running:
            self._running.cancel()
        self._running = None
        self._port = None

    def received(self, data: bytes) -> None:
        """Bytes from the wire, in pieces of any size."""
        if self.faults.amount("unplug"):
            return
        if self._asleep and data:
            self._asleep = False
            self._say("*WA")
        self._unread += data
        *lines, self._unread = self._unread.split(b"\r")
        for line in lines:
            self._queue.put_nowait(line.decode("ascii", "replace").strip())

    def _reset(self) -> None:
        self._unread = self._last_line = b""
        self._queue = asyncio.Queue()
        self._report_every_s, self._acknowledges, self._asleep = 1.0, True, False

    async def _run(self) -> None:
        while True:
            await self._boot()
            reported_s = self.senses.clock.real_s
            while not self.faults.amount("unplug"):
                try:
                    await self._obey(await asyncio.wait_for(self._queue.get(), _TICK_S))
                except TimeoutError:
                    now_s = self.senses.clock.real_s
                    if self._report_every_s and not self._asleep and now_s - reported_s >= self._report_every_s:
                        reported_s = now_s
                        self._report()
            while self.faults.amount("unplug"):  # noqa: ASYNC110 - faults are polled, they have no event
                await asyncio.sleep(_TICK_S)
            self._reset()

    async def _boot(self) -> None:
        self._say("*RS")
        await asyncio.sleep(self.boot_s)
        self._say("*RE")

    async def _obey(self, command: str) -> None:
        name, *arguments = [part.strip() for part in command.lower().split(",")]
        await asyncio.sleep(self._takes_s(name) + self.faults.amount("late"))
        try:
            if name not in self._commands or self.faults.amount("exception"):
                raise NotUnderstood
            lines = self._commands[name](arguments)
        except (NotUnderstood, ValueError):
            self._say("*ER")
            return
        for line in lines:
            self._say(line)
        if self._acknowledges and not self._asleep:
            self._say("*OK")

    def _takes_s(self, name: str) -> float:
        return {"r": self.read_s, "rt": self.read_s, "cal": self.calibration_s}.get(name, 0.0)

    def _say(self, line: str) -> None:
        faults = self.faults
        if self._port is None or faults.amount("silence") or faults.amount("unplug"):
            return
        raw = line.encode("ascii") + b"\r"
        said, self._last_line = self._last_line or raw, raw
        if faults.amount("stale"):
            raw = said
        if faults.amount("crc_error"):  # the text has no CRC; a byte is damaged all the same
            raw = bytes([raw[0] ^ 0x41]) + raw[1:]
        self._port.write(raw * 2 if faults.amount("duplicate") else raw)

    def _report(self) -> None:
        value = self.reading()
        if value is not None:
            self._say(value)

    def _read(self, arguments: list[str]) -> list[str]:
        if arguments:
            raise NotUnderstood
        value = self.reading()
        return [] if value is None else [value]

    def _continuous(self, arguments: list[str]) -> list[str]:
        if arguments == ["?"]:
            return [f"?C,{self._report_every_s:.0f}"]
        (seconds,) = arguments
        if not 0 <= int(seconds) <= 99:
            raise NotUnderstood
        self._report_every_s = float(seconds)
        return []

    def _acknowledge(self, arguments: list[str]) -> list[str]:
        if arguments == ["?"]:
            return [f"?*OK,{int(self._acknowledges)}"]
        self._acknowledges = {"0": False, "1": True}.get(arguments[0] if arguments else "", self._acknowledges)
        return []

    def _calibrate(self, arguments: list[str]) -> list[str]:
        if arguments == ["?"]:
            return [f"?Cal,{len(self.calibrated)}"]
        if arguments == ["clear"]:
            self.calibrated.clear()
            return []
        if len(arguments) > 1:
            float(arguments[1])
        self.calibration_step(arguments[0] if arguments else "")
        return []

    def _sleep(self, arguments: list[str]) -> list[str]:
        self._asleep = True
        return ["*SL"]
