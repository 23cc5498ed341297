"""Scripted devices at the far end of a real pty or TCP connection: exact bytes in, exact bytes out."""

import asyncio
import os
import time
import tty
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from agent.domain.clock import Instant
from agent.domain.farm import BusSettings, Protocol, SerialLine, TcpEndpoint

Send = Callable[[bytes], None]
Script = Callable[[bytes, Send], None]

TIMEOUT_S = 0.15
QUIET_S = 0.05


class RealClock:
    """The machine's own time."""

    def now(self) -> Instant:
        return Instant(time.time_ns() // 1000, self.boot_s(), "test", trusted=True)

    def boot_s(self) -> float:
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def crc(body: bytes) -> bytes:
    """CRC-16 of Modbus RTU, bit by bit as its specification tells it; low byte first."""
    remainder = 0xFFFF
    for byte in body:
        remainder ^= byte
        for _ in range(8):
            remainder = remainder >> 1 ^ (0xA001 if remainder & 1 else 0)
    return remainder.to_bytes(2, "little")


def rtu(body: bytes) -> bytes:
    """`body` (unit, function, data) as an RTU frame."""
    return body + crc(body)


def reply(request: bytes, *registers: int) -> bytes:
    """The RTU reply to the RTU read `request`."""
    data = b"".join(register.to_bytes(2, "big") for register in registers)
    return rtu(request[:2] + bytes((len(data),)) + data)


def acknowledgement(request: bytes) -> bytes:
    """The RTU reply to the RTU write `request`."""
    return rtu(request[:6])


def tcp_reply(request: bytes, *registers: int) -> bytes:
    """The Modbus TCP reply to the Modbus TCP read `request`."""
    data = b"".join(register.to_bytes(2, "big") for register in registers)
    return request[:4] + (len(data) + 3).to_bytes(2, "big") + request[6:8] + bytes((len(data),)) + data


def later(seconds: float, send: Send, data: bytes) -> None:
    asyncio.get_running_loop().call_later(seconds, send, data)


class SerialDevice:
    """A pty whose master side runs `script`; `device` is the path a program opens."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.heard: list[bytes] = []
        self._master, slave = os.openpty()
        tty.setraw(slave)
        self.device = os.ttyname(slave)
        self._slave: int | None = slave
        asyncio.get_running_loop().add_reader(self._master, self._on_bytes)

    def send(self, data: bytes) -> None:
        if self._slave is not None:
            os.write(self._master, data)

    def unplug(self) -> None:
        """The adapter is gone: whoever has the port open sees an error."""
        if self._slave is not None:
            asyncio.get_running_loop().remove_reader(self._master)
            os.close(self._slave)
            os.close(self._master)
            self._slave = None

    def _on_bytes(self) -> None:
        request = os.read(self._master, 1024)
        self.heard.append(request)
        self.script(request, self.send)


@contextmanager
def serial_device(script: Script) -> Iterator[SerialDevice]:
    device = SerialDevice(script)
    try:
        yield device
    finally:
        device.unplug()


class TcpDevice:
    """A server that runs `script`; `hang_up` closes every connection."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.heard: list[bytes] = []
        self.writers: list[asyncio.StreamWriter] = []

    def hang_up(self) -> None:
        for writer in self.writers:
            writer.close()
        self.writers.clear()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        while request := await reader.read(1024):
            self.heard.append(request)
            self.script(request, writer.write)


@asynccontextmanager
async def tcp_device(script: Script, port: int = 0) -> AsyncIterator[tuple[TcpDevice, int]]:
    device = TcpDevice(script)
    server = await asyncio.start_server(device.serve, "127.0.0.1", port)
    try:
        yield device, server.sockets[0].getsockname()[1]
    finally:
        device.hang_up()
        server.close()
        await asyncio.sleep(0.01)


def rtu_settings(device: str | Path, quiet_s: float = QUIET_S, timeout_s: float = TIMEOUT_S) -> BusSettings:
    return BusSettings("pond", Protocol.MODBUS_RTU, SerialLine(str(device), 115200), timeout_s, quiet_s)


def text_settings(device: str | Path, quiet_s: float = QUIET_S) -> BusSettings:
    return BusSettings("lab", Protocol.SERIAL_TEXT, SerialLine(str(device), 9600), TIMEOUT_S, quiet_s)


def sdi12_settings(device: str | Path, quiet_s: float = QUIET_S, timeout_s: float = TIMEOUT_S) -> BusSettings:
    return BusSettings("weir", Protocol.SDI_12, SerialLine(str(device), 9600), timeout_s, quiet_s)


def serial_settings(protocols: frozenset[Protocol], device: str | Path) -> BusSettings:
    """A serial bus for a profile that can be on `protocols`."""
    makers = {Protocol.SERIAL_TEXT: text_settings, Protocol.SDI_12: sdi12_settings, Protocol.MODBUS_RTU: rtu_settings}
    return next(make(device) for protocol, make in makers.items() if protocol in protocols)


def tcp_settings(
    port: int, protocol: Protocol = Protocol.MODBUS_TCP, quiet_s: float = QUIET_S, timeout_s: float = TIMEOUT_S
) -> BusSettings:
    return BusSettings("shore", protocol, TcpEndpoint("127.0.0.1", port), timeout_s, quiet_s)
