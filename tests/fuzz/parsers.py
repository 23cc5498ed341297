"""One function a parser: any bytes in, an AssertionError out when something false is believed or anything else raised.

Checked by frames made and summed up by hand, not by the library that the gateway uses.
"""

import math
from collections.abc import Callable
from typing import cast

from agent.domain.errors import ProbeError
from agent.domain.farm import BusSettings, Protocol, SerialLine
from agent.domain.reading import Missing
from drivers.bus.framing import RtuQuestion, TcpQuestion
from drivers.bus.serial_text import TextLine
from drivers.probes.atlas_ezo import EZO_PROFILES, EzoDriver
from drivers.sdi12 import NotSdi12, crc, started, values
from simulators.frames import Request, crc16, mbap_frame, rtu_frame
from tests.lies.virtual_time import LoopClock

_SETTINGS = BusSettings("fuzz", Protocol.SERIAL_TEXT, SerialLine("nowhere"))
_MOST_DIGITS = 7


def rtu(data: bytes) -> None:
    """The first bytes make the question; the others what came: pieces of it, as they are or with a fitting CRC."""
    unit, function, registers, request, rest = _question(data)
    asked = rtu_frame(unit, request)
    received = bytearray()
    while rest:
        kind, length, rest = rest[0], rest[1:2], rest[2:]
        piece, rest = rest[: length[0] if length else 0], rest[length[0] if length else 0 :]
        if kind & 1:
            piece = bytes((unit, function, 2 * registers)) + piece
        if kind & 2:
            piece += crc16(piece)
        received += asked if kind & 4 else piece
    question = RtuQuestion(asked)
    answer = question.answer_in(bytes(received))
    assert question.objection(bytes(received))
    if answer:
        assert answer in received.rpartition(asked)[2]
        assert crc16(answer[:-2]) == answer[-2:]
        assert answer[0] == unit
        assert answer[1:3] == bytes((function, 2 * registers)) or answer[1] == function | 0x80
        assert len(answer) == (5 if answer[1] & 0x80 else 5 + 2 * registers)


def tcp(data: bytes) -> None:
    unit, function, registers, request, rest = _question(data)
    asked = mbap_frame(Request(unit, b"", 9), unit, request)
    received = bytearray()
    while rest:
        kind, length, rest = rest[0], rest[1:2], rest[2:]
        piece, rest = rest[: length[0] if length else 0], rest[length[0] if length else 0 :]
        if kind & 1:
            piece = mbap_frame(Request(unit, b"", 9 if kind & 2 else 8), unit, bytes((function,)) + piece)
        received += piece
    question = TcpQuestion(asked)
    answer = question.answer_in(bytes(received))
    assert question.objection(bytes(received))
    if answer:
        assert answer in received
        assert answer[:4] == b"\0\x09\0\0"
        assert int.from_bytes(answer[4:6], "big") == len(answer) - 6
        assert answer[6] == unit
        assert answer[7:9] == bytes((function, 2 * registers)) or answer[7] == function | 0x80
        assert len(answer) == (9 if answer[7] & 0x80 else 9 + 2 * registers)


def ezo(data: bytes) -> None:
    """The first byte chooses the circuit, the others are what it says."""
    profile = EZO_PROFILES[(data[0] if data else 0) % len(EZO_PROFILES)]
    bus = TextLine(_SETTINGS, LoopClock())
    bus._port.received += data[1:]
    driver = cast(EzoDriver, profile.driver(bus, 0))
    lines = []
    try:
        while line := bus._next_line("R"):
            lines.append(line)
        found = driver._values(profile.outputs, lines)
    except ProbeError:
        return
    assert found.keys() == {channel.name for channel in profile.channels}
    for value in found.values():
        assert isinstance(value, Missing) or math.isfinite(value)
    if not any(isinstance(value, Missing) for value in found.values()):
        (told,) = {line for line in lines if not line.startswith("*")}
        assert told.isascii()
        assert set(told) <= set("0123456789.,- ")


def sdi12(data: bytes) -> None:
    """The first byte says whether the answer bears a CRC: none, as it is, or a fitting one put to it."""
    kind, text = (data[0] if data else 0) % 3, data[1:].decode("latin-1")
    if kind == 2:
        text += crc(text)
    for command in ("M", "C"):
        try:
            when = started(text, "0", command)
        except NotSdi12:
            continue
        assert 0 <= when.ready_s <= 999
        assert 0 <= when.values <= (99 if command == "C" else 9)
    try:
        found = values(text, "0", checked=kind > 0)
    except NotSdi12:
        return
    body = text[1:-3] if kind else text[1:]
    assert text.startswith("0")
    assert all(math.isfinite(value) and abs(value) < 10**_MOST_DIGITS for value in found)
    assert len(found) == sum(body.count(sign) for sign in "+-")


PARSERS: dict[str, Callable[[bytes], None]] = {"rtu": rtu, "tcp": tcp, "ezo": ezo, "sdi12": sdi12}


def _question(data: bytes) -> tuple[int, int, int, bytes, bytes]:
    """Unit, function, count of registers, the request without unit, and what is left of `data`."""
    unit, function, high, low, registers = data[:5].ljust(5, b"\0")
    function, registers = 3 + function % 2, 1 + registers % 125
    return unit, function, registers, bytes((function, high, low, 0, registers)), data[5:]
