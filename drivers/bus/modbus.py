"""Modbus on one line: RTU on a serial port, Modbus TCP, or RTU frames through a serial server.

What this adds to pymodbus, whose transports and frames are used:
- The answer fits the question (`framing`); bytes that nobody asked for are thrown away.
- After a failed request the line stays silent until a late reply can no longer come (`silence`). pymodbus 3.16 hands
  the late reply of one request to the next.
- An answer that may be a copy of another one, or a very late one, is not believed (`doubt`).
- A cancelled caller leaves the line in the same state as a timeout: the silence then covers the whole reply time.
- A port that comes back is opened again by the next read.
"""

import asyncio
import socket
import struct
import termios
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from pymodbus.exceptions import ConnectionException
from pymodbus.pdu import ModbusPDU
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersRequest,
    ReadInputRegistersRequest,
    WriteMultipleRegistersRequest,
    WriteSingleRegisterRequest,
)
from pymodbus.transport.serialtransport import SerialTransport

from agent.domain.clock import Clock
from agent.domain.errors import BadReply, BusError, NoReply
from agent.domain.farm import BusSettings, Protocol, SerialLine
from drivers.bus.client import Client, answer, connected, framed, new_client, send
from drivers.bus.doubt import Doubt, Read
from drivers.bus.framing import MakeQuestion, Question, RtuQuestion, TcpQuestion
from drivers.bus.port import where
from drivers.bus.refusals import TARGET_SILENT, refused
from drivers.bus.silence import Silence
from drivers.bus.tap import Frame, Tap
from drivers.bus.timing import frame_gap_s, read_cost
from drivers.interfaces import Space

_READS: Final = {Space.HOLDING: ReadHoldingRegistersRequest, Space.INPUT: ReadInputRegistersRequest}

_READ_FUNCTIONS: Final = frozenset(space.value for space in Space)

# Time-outs in a row after which a TCP connection may be half open: its other end has forgotten it.
_HALF_OPEN_AFTER: Final = 5


class ModbusLine:
    """A `ModbusBus`; one request at a time, whoever asks."""

    def __init__(self, settings: BusSettings, clock: Clock, tap: Tap | None = None) -> None:
        self.name = settings.name
        self.quiet_s = settings.quiet_s
        self.clock = clock
        self.cost = read_cost(settings)
        self._settings = settings
        self._where = where(settings)
        self._tap = tap
        self._lock = asyncio.Lock()
        self._silence = Silence(clock, settings.quiet_s, self._where)
        self._doubt = Doubt(clock, settings.timeout_s, settings.quiet_s)
        self._asked_s = 0.0
        self._framed_by_silence = settings.protocol is not Protocol.MODBUS_TCP
        self._frame_gap_s = frame_gap_s(settings.port) if isinstance(settings.port, SerialLine) else 0.0
        self._make_question: MakeQuestion = RtuQuestion if self._framed_by_silence else TcpQuestion
        self._client: Client | None = None
        self._question: Question | None = None
        self._received = b""
        self._heard_s = 0.0
        self._timeouts = 0

    async def open(self) -> None:
        async with self._lock:
            await self._connected()

    async def close(self) -> None:
        async with self._lock:
            self._disconnect()
            await asyncio.sleep(0)  # transports close in the loop's next turn

    async def read(self, unit: int, space: Space, address: int, count: int) -> tuple[int, ...]:
        reply = await self._answered(_READS[space](unit, 0, address, count))
        return tuple(reply.registers)

    async def write(self, unit: int, address: int, registers: Sequence[int], single: bool = False) -> None:
        request = WriteSingleRegisterRequest if single else WriteMultipleRegistersRequest
        await self._answered(request(unit, 0, address, len(registers), registers=registers))

    async def _answered(self, request: ModbusPDU) -> ModbusPDU:
        """The answer to `request`, when its turn on the line has come."""
        async with self._lock:
            reply = await self._ask(request)
            if reply.function_code in _READ_FUNCTIONS:
                reply = await self._believed(request, reply)
        if reply.function_code != request.function_code:
            raise refused(reply, request, self._where)
        return reply

    async def _believed(self, request: ModbusPDU, reply: ModbusPDU) -> ModbusPDU:
        """The registers that came, unless they may be the answer to another question."""
        read = _read(request)
        if straggles_s := self._doubt.straggles_s(read, self._asked_s):
            disturbances = self._silence.disturbances
            self._silence.demand(straggles_s)
            await self._silence.kept()
            if self._silence.disturbances > disturbances:
                raise BadReply(
                    f"bad reply on {self._where}, unit {request.dev_id}: another came after it, and nobody can "
                    f"tell which was late; is timeout_s = {self._settings.timeout_s:g} too short for this probe?"
                )
        other = self._doubt.copied_from(read, tuple(reply.registers))
        if other is None:
            return reply
        # Its own answer may still be under way, for as long as any other.
        whole_s = self._settings.timeout_s + self._settings.quiet_s
        self._silence.demand(self._asked_s + whole_s - self.clock.boot_s())
        reply = await self._ask(request)
        self._doubt.asked_again(other, read, tuple(reply.registers))
        return reply

    async def _ask(self, request: ModbusPDU) -> ModbusPDU:
        """One request and its answer, on a line that has been silent for as long as it owes; afterwards it owes
        whatever silence the outcome calls for.
        """
        settings = self._settings
        client = self._client
        if client is None or client.ctx.transport is None:
            client = await self._connected()
        frame = framed(client, request)
        question = self._make_question(frame)
        if self._silence.owed():
            await self._silence.kept()
        self._received = b""
        owed_s = settings.quiet_s
        self._question, self._asked_s = question, self.clock.boot_s()
        try:
            waiting = send(client, frame)
            self._tell(True, frame)
            reply = await answer(waiting, settings.timeout_s)
            self._timeouts = 0
            owed_s = max(0.0, self._heard_s + self._frame_gap_s - self.clock.boot_s())
            if reply.exception_code == TARGET_SILENT:
                owed_s = settings.quiet_s
            self._tell(False, self._received)
        except TimeoutError:
            self._give_up(client, request)
            if self._received:
                objection = question.objection(self._received)
                self._tell(False, self._received, objection)
                raise BadReply(f"bad reply on {self._where}, unit {request.dev_id}: {objection}") from None
            self._tell(False, b"", f"no reply in {settings.timeout_s:g} s")
            raise NoReply(f"no reply in {settings.timeout_s:g} s on {self._where}, unit {request.dev_id}") from None
        except ConnectionException:
            self._disconnect()
            self._tell(False, self._received, "the port was lost")
            raise BusError(f"{self._where} was lost during a request to unit {request.dev_id}") from None
        except asyncio.CancelledError:
            owed_s = settings.timeout_s + settings.quiet_s
            self._give_up(client, request)
            raise
        finally:
            self._question = None
            if owed_s:
                self._silence.demand(owed_s)
        return reply

    def _give_up(self, client: Client, request: ModbusPDU) -> None:
        """A question that never left must not go out minutes later, when a stuck adapter or network wakes up."""
        transport = client.ctx.transport
        self._timeouts += 1
        if self._framed_by_silence and request.function_code in _READ_FUNCTIONS:
            self._doubt.unanswered(_read(request), self._asked_s)
        if isinstance(transport, SerialTransport):
            transport.flush()
            with suppress(OSError, termios.error):
                termios.tcflush(transport.sync_serial.fileno(), termios.TCOFLUSH)
        elif self._framed_by_silence and transport is not None:
            # What the network still carries reaches no other connection; no lingering, lest the kernel sends it yet.
            connection = transport.get_extra_info("socket")
            if connection is not None:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._disconnect()
        elif self._timeouts >= _HALF_OPEN_AFTER:
            self._timeouts = 0
            self._disconnect()

    async def _connected(self) -> Client:
        """The open client; opened now if need be."""
        client = self._client
        if client is not None and client.connected:
            return client
        self._disconnect()
        client = self._client = self._new_client()
        if trouble := await connected(client, self._settings):
            self._disconnect()
            raise BusError(f"cannot open {self._where}: {trouble}")
        if self._framed_by_silence:
            # An answer to whoever used the line before us may still be under way.
            self._silence.demand(self._settings.quiet_s)
        return client

    def _disconnect(self) -> None:
        if self._client is not None:
            client, self._client = self._client, None
            client.close()

    def _new_client(self) -> Client:
        return new_client(self._settings, self._on_bytes, self._on_connection)

    def _on_bytes(self, data: bytes) -> bytes:
        """Called by pymodbus with all bytes received since the last request; returns what it may see of them."""
        if self._question is None:
            self._tell(False, data, "nobody had asked")
            self._silence.disturbed()
            return b""
        self._heard_s = self.clock.boot_s()
        self._received = data
        return self._question.answer_in(data)

    def _tell(self, sent: bool, data: bytes, objection: str | None = None) -> None:
        if self._tap is not None:
            self._tap(Frame(self.clock.boot_s(), sent, data, objection))

    def _on_connection(self, connected: bool) -> None:
        """Called by pymodbus; a request under way must not wait for its timeout when the port is gone."""
        client = self._client
        if connected or client is None or self._question is None:
            return
        waiting = client.ctx.response_future
        if not waiting.done():
            waiting.set_exception(ConnectionException("lost"))


def _read(request: ModbusPDU) -> Read:
    return Read(request.dev_id, request.function_code, request.address, request.count)
