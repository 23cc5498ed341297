"""The pymodbus client of one line: without retries and reconnections of its own, and with the reason when it fails."""

import asyncio
import logging
import termios
from collections.abc import Callable

from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient
from pymodbus.framer import FramerType

from agent.domain.farm import BusSettings, Protocol, SerialLine, TcpEndpoint
from drivers.bus.port import reason

# Everything pymodbus would log is told by an exception.
logging.getLogger("pymodbus").setLevel(logging.CRITICAL + 1)

Client = AsyncModbusSerialClient | AsyncModbusTcpClient


def new_client(
    settings: BusSettings, on_bytes: Callable[[bool, bytes], bytes], on_connection: Callable[[bool], None]
) -> Client:
    """A client that is not connected yet. `on_bytes` is called with each request, and with all bytes received since,
    and returns what pymodbus may see of them.
    """
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
            trace_packet=on_bytes,
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
        trace_packet=on_bytes,
        trace_connect=on_connection,
    )


async def connected(client: Client, settings: BusSettings) -> str | None:
    """Connect; why that failed, for a person, or None."""
    own_s = settings.port.connect_timeout_s if isinstance(settings.port, TcpEndpoint) else None
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
