"""A trace in a technician's words."""

from collections.abc import Sequence

import pytest
from rich.console import Console

from agent.domain.farm import Protocol
from agent.views.bus import Trace, draw
from drivers import profile
from drivers.bus.tap import Frame
from tests.agent.farm import NOON_US
from tests.drivers.devices import reply, rtu

READ = bytes.fromhex("01 03 00 00 00 06 C5 C8")
ANSWER = reply(READ, 0x3F6A, 0xEB52, 0x40E2, 0x48B0, 0x41E5, 0x85C5)  # the manual's: 91.8 %, 7.07 mg/L, 28.7 °C


def trace(protocol: Protocol = Protocol.MODBUS_RTU) -> Trace:
    return Trace(protocol, {1: ("do-1", profile("renke-rs-ldo-n01"))}, NOON_US, 100.0)


def words(*frames: Frame, protocol: Protocol = Protocol.MODBUS_RTU) -> Sequence[str]:
    lines = trace(protocol)
    return [f"{line.mark} {line.words}" for line in map(lines.line, frames)]


def test_a_reading_is_told_by_the_names_of_its_channels() -> None:
    assert words(Frame(0, True, READ), Frame(0.1, False, ANSWER)) == [
        "→ unit 1 do-1: read holding 0x0000 ×6",
        "← unit 1 do-1: saturation 91.77 %, dissolved_oxygen 7.071 mg/L, temperature 28.69 °C",
    ]


def test_times_are_of_the_wall_clock_and_since_the_frame_before() -> None:
    lines = trace()
    first, second = lines.line(Frame(101.5, True, READ)), lines.line(Frame(101.53, False, ANSWER))
    assert (first.time, first.after_ms) == ("12:00:01.500", None)
    assert (second.time, round(second.after_ms or 0)) == ("12:00:01.530", 30)


def test_a_unit_that_nobody_configured_shows_its_registers() -> None:
    asked = rtu(bytes.fromhex("09 04 00 64 00 02"))
    assert words(Frame(0, True, asked), Frame(0, False, reply(asked, 1, 0xABCD))) == [
        "→ unit 9: read input 0x0064 ×2",
        "← unit 9: 0001 ABCD",
    ]


def test_a_refusal_is_told_in_words() -> None:
    said = words(Frame(0, True, READ), Frame(0, False, rtu(b"\x01\x83\x02")))
    assert said[1] == "← unit 1 do-1: refused, illegal data address (exception 2)"


def test_what_answers_nothing_says_why() -> None:
    assert words(
        Frame(0, True, READ),
        Frame(0.3, False, b"", "no reply in 0.3 s"),
        Frame(0.4, False, b"\1\2\3", "nobody had asked"),
        Frame(0.4, False, b"\1\2\3", "CRC error in 01 02 03"),
    )[1:] == ["✗ no reply in 0.3 s", "✗ nobody had asked: 01 02 03", "✗ CRC error in 01 02 03"]


def test_a_write_tells_what_was_written() -> None:
    asked = rtu(bytes.fromhex("01 06 00 01 00 1F"))
    assert words(Frame(0, True, asked), Frame(0, False, asked)) == [
        "→ unit 1 do-1: write 0x0001 ×1 = 001F",
        "← unit 1 do-1: written",
    ]


def test_text_is_shown_as_it_is() -> None:
    frames = Frame(0, True, b"R\r"), Frame(0.9, False, b"7.002\r*OK\r")
    assert words(*frames, protocol=Protocol.SERIAL_TEXT) == ["→ R", "← 7.002 *OK"]


def test_where_it_is_no_terminal_a_frame_is_one_plain_line(capsys: pytest.CaptureFixture[str]) -> None:
    lines = trace()
    for frame in (Frame(0, True, READ), Frame(0.012, False, ANSWER)):
        draw(Console(width=40), lines.line(frame), with_bytes=True)
    out = capsys.readouterr().out.splitlines()
    assert len(out) == 2
    assert out[0].endswith("→ unit 1 do-1: read holding 0x0000 ×6  | 01 03 00 00 00 06 C5 C8")
    assert " 12 ms ← unit 1" in out[1]


def test_a_narrow_terminal_wraps_the_words_beside_their_mark() -> None:
    console = Console(width=40, force_terminal=True, color_system=None, record=True)
    lines = trace()
    lines.line(Frame(0, True, READ))
    draw(console, lines.line(Frame(0.012, False, ANSWER)), with_bytes=False)
    drawn = console.export_text().splitlines()
    assert len(drawn) > 2
    assert all(len(line) <= 40 for line in drawn)
    assert all(line.startswith(" " * 20) for line in drawn[1:] if line)
