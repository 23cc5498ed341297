"""The wires: one file a kind, chosen by the configured protocol."""

from collections.abc import Callable

from agent.domain.clock import Clock
from agent.domain.farm import BusSettings, Protocol
from drivers.bus.modbus import ModbusLine
from drivers.bus.sdi12 import Sdi12Line
from drivers.bus.serial_text import TextLine
from drivers.bus.tap import Tap
from drivers.bus.text_stream import TextStream
from drivers.bus.w1_folder import W1Folder
from drivers.interfaces import Bus

BUSES: dict[Protocol, Callable[[BusSettings, Clock, Tap | None], Bus]] = {
    Protocol.MODBUS_RTU: ModbusLine,
    Protocol.MODBUS_TCP: ModbusLine,
    Protocol.MODBUS_RTU_OVER_TCP: ModbusLine,
    Protocol.SERIAL_TEXT: TextLine,
    Protocol.SDI_12: Sdi12Line,
    Protocol.ONE_WIRE: W1Folder,
    Protocol.TEXT_STREAM: TextStream,
}


def make_bus(settings: BusSettings, clock: Clock, tap: Tap | None = None) -> Bus:
    """A closed bus for `settings`, of the kind its protocol needs. `tap` hears all its frames."""
    return BUSES[settings.protocol](settings, clock, tap)
