"""`aqua-gateway bus trace`: frames in a technician's words, one line each."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from agent.domain.farm import MODBUS, Protocol, Unit
from agent.domain.reading import Missing
from agent.views.register import hexadecimal, table_of, values_in
from drivers.bus.dissector import Telegram, reply, request
from drivers.bus.refusals import REFUSALS
from drivers.bus.tap import Frame
from drivers.interfaces import Profile, Space

_DOES = {3: "read holding", 4: "read input", 6: "write", 16: "write"}


class Line(NamedTuple):
    """One frame as it is shown: `after_ms` since the frame before, `mark` is →, ← or ✗."""

    time: str
    after_ms: float | None
    mark: str
    words: str
    bytes: str


class Trace:
    """Turns the frames of one bus into lines. `probes` are those on it, by address: name and model.

    `utc_us` and `boot_s` are what both clocks showed at one moment, to tell the wall time of a frame.
    """

    def __init__(
        self, protocol: Protocol, probes: Mapping[Unit, tuple[str, Profile]], utc_us: int, boot_s: float
    ) -> None:
        self._protocol = protocol
        self._probes = probes
        self._begin_us = utc_us - boot_s * 1e6
        self._asked = b""
        self._last_s: float | None = None

    def line(self, frame: Frame) -> Line:
        time = datetime.fromtimestamp((self._begin_us + frame.at_s * 1e6) / 1e6, UTC)
        after_ms = None if self._last_s is None else (frame.at_s - self._last_s) * 1000
        self._last_s = frame.at_s
        if frame.sent:
            self._asked = frame.data
        return Line(f"{time:%H:%M:%S.%f}"[:12], after_ms, _mark(frame), self._words(frame), frame.data.hex(" ").upper())

    def _words(self, frame: Frame) -> str:
        if frame.objection is not None:
            return frame.objection + (f": {frame.data[:24].hex(' ')}" if _unasked(frame) else "")
        if self._protocol not in MODBUS:
            return " ".join(frame.data.decode("latin-1").split())
        telegram = request(frame.data, self._protocol) if frame.sent else reply(frame.data, self._asked, self._protocol)
        if telegram is None:
            return frame.data.hex(" ")
        name, profile = self._probes.get(telegram.unit, ("", None))
        who = f"unit {telegram.unit}" + (f" {name}" if name else "")
        return f"{who}: {_asks(telegram) if frame.sent else _answers(telegram, profile)}"


def _asks(telegram: Telegram) -> str:
    what = f"{_DOES[telegram.function]} 0x{telegram.address:04X} ×{telegram.count}"
    return f"{what} = {hexadecimal(telegram.registers)}" if telegram.registers else what


def _answers(telegram: Telegram, profile: Profile | None) -> str:
    if telegram.exception is not None:
        return f"refused, {REFUSALS.get(telegram.exception, 'unknown')} (exception {telegram.exception})"
    if telegram.function not in (3, 4):
        return "written"
    values = values_in(table_of(profile), Space(telegram.function), telegram.address, telegram.registers)
    told = [f"{register.channel} {_value(value, register.quantity.unit)}" for register, value in values.items()]
    return ", ".join(told) or hexadecimal(telegram.registers)


def _value(value: float | Missing, unit: str) -> str:
    return f"— ({value.because})" if isinstance(value, Missing) else f"{value:.4g} {unit}"


def _mark(frame: Frame) -> str:
    return "→" if frame.sent else "←" if frame.objection is None else "✗"


def _unasked(frame: Frame) -> bool:
    """Whether the objection does not show the bytes itself."""
    return bool(frame.data) and " ".join(f"{byte:02x}" for byte in frame.data[:4]) not in (frame.objection or "")


_STYLE = {"→": "cyan", "←": "green", "✗": "bold red"}


def draw(console: Console, line: Line, with_bytes: bool) -> None:
    """On a terminal with long words wrapped beside their mark; elsewhere one plain line a frame."""
    after = "" if line.after_ms is None else _short(line.after_ms)
    words = f"{line.words}\n{line.bytes}" if with_bytes and line.bytes else line.words
    if not console.is_terminal:
        print(line.time, f"{after:>7}", line.mark, words.replace("\n", "  | "), flush=True)
        return
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(no_wrap=True, style="dim")
    grid.add_column(no_wrap=True, justify="right", min_width=7, style="dim")
    grid.add_column(no_wrap=True)
    grid.add_column()
    grid.add_row(line.time, after, Text(line.mark, _STYLE[line.mark]), Text(words, "" if line.mark != "✗" else "red"))
    console.print(grid)


def _short(milliseconds: float) -> str:
    return f"{milliseconds:.0f} ms" if milliseconds < 10_000 else f"{milliseconds / 1000:.0f} s"
