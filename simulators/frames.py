"""Modbus frames by hand: CRC-16, RTU requests in a stream of bytes, the MBAP header of Modbus TCP.

Written from "Modbus over Serial Line" V1.02 and "Modbus Messaging on TCP/IP" V1.0b, independent of the library that the
gateway uses.
"""

from dataclasses import dataclass

_READS_AND_SINGLE_WRITES = (1, 2, 3, 4, 5, 6)
_MULTIPLE_WRITES = (15, 16)


def crc16(data: bytes) -> bytes:
    """The two CRC bytes in the order of the wire, low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return crc.to_bytes(2, "little")


@dataclass(frozen=True, slots=True)
class Request:
    """One question to one unit; `transaction` only has a meaning on Modbus TCP."""

    unit: int
    pdu: bytes
    transaction: int = 0


def rtu_frame(unit: int, pdu: bytes) -> bytes:
    body = bytes([unit]) + pdu
    return body + crc16(body)


class RtuSplitter:
    """Cuts requests out of the bytes of a serial line.

    A request whose length its function tells is handed out as soon as it is complete. What is broken stays until
    `silence`, as on a real line, where only silence tells where a frame ends.
    """

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, received: bytes) -> list[Request]:
        self._bytes += received
        requests = []
        while (length := self._length()) and len(self._bytes) >= length:
            frame = bytes(self._bytes[:length])
            if crc16(frame[:-2]) != frame[-2:]:
                break
            del self._bytes[:length]
            requests.append(Request(frame[0], frame[1:-2]))
        return requests

    def silence(self) -> list[Request]:
        """The line fell silent: everything received so far is one frame, or nothing."""
        frame, self._bytes = bytes(self._bytes), bytearray()
        if len(frame) >= 4 and crc16(frame[:-2]) == frame[-2:]:
            return [Request(frame[0], frame[1:-2])]
        return []

    @property
    def waiting(self) -> bool:
        """Whether bytes are left that silence must settle."""
        return bool(self._bytes)

    def _length(self) -> int | None:
        if len(self._bytes) < 2:
            return None
        if self._bytes[1] in _READS_AND_SINGLE_WRITES:
            return 8
        if self._bytes[1] in _MULTIPLE_WRITES and len(self._bytes) >= 7:
            return 9 + self._bytes[6]
        return None


_HEADER = 7
_LONGEST_ADU = 260


def mbap_frame(request: Request, unit: int, pdu: bytes) -> bytes:
    header = request.transaction.to_bytes(2, "big") + b"\0\0" + (len(pdu) + 1).to_bytes(2, "big")
    return header + bytes([unit]) + pdu


class MbapSplitter:
    """Cuts requests out of a TCP stream by their MBAP headers; raises ValueError where the stream is not Modbus."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, received: bytes) -> list[Request]:
        self._bytes += received
        requests = []
        while len(self._bytes) >= _HEADER:
            length = int.from_bytes(self._bytes[4:6], "big")
            if self._bytes[2:4] != b"\0\0" or not 2 <= length <= _LONGEST_ADU - 6:
                raise ValueError("not a Modbus TCP header")
            if len(self._bytes) < 6 + length:
                break
            frame = bytes(self._bytes[: 6 + length])
            del self._bytes[: 6 + length]
            requests.append(Request(frame[6], frame[7:], int.from_bytes(frame[:2], "big")))
        return requests
