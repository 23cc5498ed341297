"""Which of the bytes that came in are the answer to the question that went out.

pymodbus accepts any decodable frame of the right unit, whatever its function, length or (when zero) transaction id,
and raises inside the event loop on some undecodable ones. So it is only ever shown bytes that fit: same unit, same
function, a byte count of twice the register count (a read) or the same address and count (a write), or the refusal of
that very function. An adapter's echo of the question is no answer (for some 500 pairs of unit and register its first
bytes even have a fitting CRC), and two answers that differ are none: somebody else is talking, and nobody can tell who
was meant. Pure; never raises.
"""

from collections.abc import Callable, Iterator
from typing import Protocol

from pymodbus.framer.rtu import FramerRTU

_ERROR_BIT = 0x80
_REFUSAL_SIZE = 5  # RTU: unit, function, code, CRC
_WRITE_ONE = 6
_WRITES = (_WRITE_ONE, 16)
_WRITE_REPEATS = 5  # function, address, and the count of registers (or the value of a single one)
_MBAP_SIZE = 6  # TCP: transaction id, protocol id, length; the length counts what follows


class Question(Protocol):
    """One request on the wire, waiting for its answer."""

    def answer_in(self, received: bytes) -> bytes:
        """The frame among `received` that answers this question; empty while there is none."""

    def objection(self, received: bytes) -> str:
        """Why `received` does not answer this question, for a person."""


MakeQuestion = Callable[[bytes], Question]


class RtuQuestion:
    """A request in RTU framing, made from its own frame.

    The acknowledgement of a single write (function 6) looks like its echo; nothing tells them apart.
    """

    __slots__ = ("_echo", "_function", "_head", "_refusal", "_size", "_unit")

    def __init__(self, request: bytes) -> None:
        self._unit, self._function = request[0], request[1]
        self._echo = b"" if self._function == _WRITE_ONE else request
        if self._function in _WRITES:
            self._head = request[: 1 + _WRITE_REPEATS]
            self._size = 1 + _WRITE_REPEATS + 2
        else:
            payload = 2 * int.from_bytes(request[4:6], "big")
            self._head = request[:2] + bytes((payload,))
            self._size = payload + 5
        self._refusal = bytes((self._unit, self._function | _ERROR_BIT))

    def answer_in(self, received: bytes) -> bytes:
        return _only(self._answers(received))

    def _answers(self, received: bytes) -> Iterator[bytes]:
        """Every frame that fits; noise, or other frames, may lie before and between."""
        start = received.rfind(self._echo) + len(self._echo) if self._echo and self._echo in received else 0
        if start == 0 and self._echo.startswith(received):
            return  # the echo, on its way
        while start < len(received):
            size = 1
            if received.startswith(self._head, start):
                size = self._size
            elif received.startswith(self._refusal, start):
                size = _REFUSAL_SIZE
            frame = received[start : start + size]
            if size > 1 and len(frame) == size and crc_fits(frame):
                yield frame
                start += size
            else:
                start += 1

    def objection(self, received: bytes) -> str:
        seen = printable(received)
        if len(received) < _REFUSAL_SIZE:
            return f"only {len(received)} byte(s) came: {seen}"
        if len(set(self._answers(received))) > 1:
            return f"two different answers came: {seen}"
        if not crc_fits(received):
            if received.startswith(self._head) and len(received) < self._size:
                return f"the reply broke off after {len(received)} of {self._size} bytes: {seen}"
            return f"CRC error in {seen}"
        if received[0] != self._unit:
            return f"unit {received[0]} answered instead: {seen}"
        return _objection(self._head[1:], received[1:], seen)


class TcpQuestion:
    """A request in Modbus TCP framing, made from its own frame."""

    __slots__ = ("_function", "_head", "_refusal", "_size", "_unit")

    def __init__(self, request: bytes) -> None:
        self._unit, self._function = request[6], request[7]
        if self._function in _WRITES:
            self._head = request[:4] + b"\0\6" + request[6 : 7 + _WRITE_REPEATS]
            self._size = _MBAP_SIZE + 1 + _WRITE_REPEATS
        else:
            payload = 2 * int.from_bytes(request[10:12], "big")
            self._head = request[:4] + (payload + 3).to_bytes(2, "big") + request[6:8] + bytes((payload,))
            self._size = payload + 9
        self._refusal = request[:4] + b"\0\3" + bytes((self._unit, self._function | _ERROR_BIT))

    def answer_in(self, received: bytes) -> bytes:
        return _only(self._answers(received))

    def _answers(self, received: bytes) -> Iterator[bytes]:
        """Every frame that fits; answers to earlier questions may come before, and their own length says where they
        end.
        """
        start = 0
        while len(received) >= start + _MBAP_SIZE:
            end = start + _MBAP_SIZE + int.from_bytes(received[start + 4 : start + _MBAP_SIZE], "big")
            fits = received.startswith(self._head, start) or received.startswith(self._refusal, start)
            if fits and len(received) >= end and _begins(received[end:]):
                yield received[start:end]
            start = end

    def objection(self, received: bytes) -> str:
        seen = printable(received)
        if len(received) < 9:
            return f"only {len(received)} byte(s) came: {seen}"
        if len(set(self._answers(received))) > 1:
            return f"two different answers came: {seen}"
        if received[2:4] != b"\0\0":
            return f"not Modbus TCP: {seen}"
        if received[:2] != self._head[:2]:
            asked, got = int.from_bytes(self._head[:2], "big"), int.from_bytes(received[:2], "big")
            return f"transaction id {got} instead of {asked}: {seen}"
        if received[6] != self._unit:
            return f"unit {received[6]} answered instead: {seen}"
        if received.startswith(self._head):
            return f"the reply broke off after {len(received)} of {self._size} bytes: {seen}"
        return _objection(self._head[7:], received[7:], seen)


def _begins(rest: bytes) -> bool:
    """Whether another Modbus TCP frame may begin so. If not, the one before has been filled up with strange bytes."""
    return rest[2:4] in (b"", b"\0", b"\0\0") and (len(rest) < _MBAP_SIZE or 2 <= rest[5] + 256 * rest[4] <= 254)


def _only(answers: Iterator[bytes]) -> bytes:
    """The one answer, however often it came."""
    different = set(answers)
    return different.pop() if len(different) == 1 else b""


def _objection(wanted: bytes, came: bytes, seen: str) -> str:
    """Both from the function code on; `wanted` is what the answer had to begin with."""
    if came[0] not in (wanted[0], wanted[0] | _ERROR_BIT):
        return f"function {came[0]} instead of {wanted[0]}: {seen}"
    if wanted[0] in _WRITES:
        return f"it acknowledges another write: {seen}"
    if came[1] != wanted[1]:
        return f"{came[1]} bytes of registers instead of {wanted[1]}: {seen}"
    return f"the length does not fit: {seen}"


def crc_fits(frame: bytes) -> bool:
    """Whether the last two bytes are the CRC-16 of those before."""
    return FramerRTU.compute_CRC(frame[:-2]).to_bytes(2, "big") == frame[-2:]


def printable(received: bytes) -> str:
    """Bytes as a technician reads them, cut after 24."""
    return received[:24].hex(" ") + (" …" if len(received) > 24 else "")
