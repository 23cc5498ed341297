"""The pymodbus client of one line: without retries and reconnections of its own, and with the reason when it fails.

Requests do not go through its `execute`, which builds the frame, and passes through the event loop twice, when the
silence before a request is over: at 115,200 baud a hundredth of the line's time.
"""

import asyncio
import logging
import os
import termios
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient
from pymodbus.exceptions import ConnectionException
from pymodbus.framer import FramerType
from pymodbus.pdu import ModbusPDU
from pymodbus.transport.serialtransport import SerialTransport

from agent.domain.farm import BusSettings, Protocol, SerialLine, TcpEndpoint
from drivers.bus.port import reason

# Everything pymodbus would log is told by an exception.
logging.getLogger("pymodbus").setLevel(logging.CRITICAL + 1)

_OPENS_WITHIN_S: Final = 5.0  # a serial port: some adapters take longer to be set up than a probe to answer

Client = AsyncModbusSerialClient | AsyncModbusTcpClient


def new_client(
    settings: BusSettings, on_bytes: Callable[[bytes], bytes], on_connection: Callable[[bool], None]
) -> Client:
    """A client that is not connected yet. `on_bytes` is called with all bytes received since the last request, and
    returns what pymodbus may see of them.
    """

    def on_packet(sending: bool, data: bytes) -> bytes:
        return data if sending else on_bytes(data)

    port = settings.port
    if isinstance(port, SerialLine):
        return AsyncModbusSerialClient(
            port.device,
            framer=FramerType.RTU,
            baudrate=port.baud,
            bytesize=port.data_bits,
            parity=port.parity,
            stopbits=port.stop_bits,
            timeout=settings.timeout_s,
            retries=0,
            reconnect_delay=0,
            trace_packet=on_packet,
            trace_connect=on_connection,
        )
    if not isinstance(port, TcpEndpoint):
        raise TypeError(f"bus {settings.name}: Modbus needs a serial port or a host")
    return AsyncModbusTcpClient(
        port.host,
        framer=FramerType.SOCKET if settings.protocol is Protocol.MODBUS_TCP else FramerType.RTU,
        port=port.port,
        timeout=settings.timeout_s,
        retries=0,
        reconnect_delay=0,
        trace_packet=on_packet,
        trace_connect=on_connection,
    )


async def connected(client: Client, settings: BusSettings) -> str | None:
    """Connect; why that failed, for a person, or None."""
    own_s = settings.port.connect_timeout_s if isinstance(settings.port, TcpEndpoint) else _OPENS_WITHIN_S
    within_s = own_s or settings.timeout_s
    create = client.ctx.call_create
    why_not: Exception | None = None

    async def create_or_remember_why() -> object:
        nonlocal why_not
        try:
            return await create()
        except (OSError, ValueError, termios.error) as error:
            # Its traceback would hold the port open that could not be set up.
            why_not = error.with_traceback(None)
            raise OSError(str(error)) from None

    # pymodbus reports a failed connection only as False, and to its log.
    client.ctx.call_create = create_or_remember_why
    # pymodbus has one figure for how long a connection and an answer may take.
    client.ctx.comm_params.timeout_connect = within_s
    made = await client.connect()
    client.ctx.comm_params.timeout_connect = settings.timeout_s
    await asyncio.sleep(0)  # the serial transport attaches itself to the loop in its next turn
    if made and client.connected:
        return None
    return reason(why_not) if why_not else f"no connection within {within_s:g} s"


def framed(client: Client, request: ModbusPDU) -> bytes:
    """The bytes of `request`, whose answer is expected from now on."""
    ctx = client.ctx
    request.transaction_id = ctx.getNextTID()
    ctx.request_dev_id, ctx.request_transaction_id = request.dev_id, request.transaction_id
    return ctx.framer.buildFrame(request)


def send(client: Client, frame: bytes) -> asyncio.Future[ModbusPDU]:
    """What will be the answer to `frame`, which is on its way. Raises ConnectionException."""
    ctx = client.ctx
    transport = ctx.transport
    if not isinstance(transport, asyncio.WriteTransport):
        raise ConnectionException("lost")
    ctx.recv_buffer = b""
    ctx.response_future = asyncio.get_running_loop().create_future()
    sent = 0
    if isinstance(transport, SerialTransport):
        try:
            with suppress(BlockingIOError):
                sent = os.write(transport.sync_serial.fileno(), frame)
        except OSError as error:
            raise ConnectionException(str(error)) from error
    if sent < len(frame):
        transport.write(frame[sent:])
    return ctx.response_future


async def answer(waiting: asyncio.Future[ModbusPDU], timeout_s: float) -> ModbusPDU:
    """Raises TimeoutError or ConnectionException."""
    timer = asyncio.get_running_loop().call_later(timeout_s, _end, waiting)
    try:
        return await waiting
    finally:
        timer.cancel()


def _end(waiting: asyncio.Future[ModbusPDU]) -> None:
    if not waiting.done():
        waiting.set_exception(TimeoutError())
