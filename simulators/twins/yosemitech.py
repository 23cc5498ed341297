"""What all Yosemitech probes have in common, from the vendor's Modbus manuals.

9600 8N1, address 1, functions 03 and 16 only, floats DCBA (17.625 is 00 00 8D 41). A register that the manual does not
name gets no reply at all. Broadcasts are not answered, but address 0xFF is: FF 03 30 00 00 01 9E D4 → FF 03 02 03 00
91 60 (own address 3 in the high byte). 0x0900 serial number, 0x0700 versions (major and minor byte), 0x1100 user
calibration K and B, 0x3000 own address, 0x2E00 stop. Some commands are frames that the standard does not know: a
read of one register answered with none, a write of zero registers.
"""

from typing import ClassVar

from simulators.twins.modbus import READ_HOLDING, WRITE_MANY, Block, ModbusTwin, constant
from simulators.twins.words import float_dcba, text

OWN_ADDRESS = 0x3000
_ASKS_FOR_ADDRESS = bytes([READ_HOLDING, 0x30, 0x00, 0x00, 0x01])


class YosemitechTwin(ModbusTwin):
    """`commands`: registers whose read or zero-register write is an order, acknowledged with an empty answer."""

    writes = (WRITE_MANY,)
    other_units = frozenset({0xFF})
    hears_broadcast = False
    commands: ClassVar[frozenset[int]] = frozenset({0x2E00})
    serial_number: ClassVar[str] = "YL00000000001"

    def answer(self, pdu: bytes) -> bytes | None:
        if len(pdu) < 5:
            return None
        register, count = int.from_bytes(pdu[1:3], "big"), int.from_bytes(pdu[3:5], "big")
        if pdu[0] == READ_HOLDING and count == 1 and register in self.commands:
            return bytes([READ_HOLDING, 0])
        if pdu[0] == WRITE_MANY and count == 0 and register in self.commands:
            return pdu[:5]
        if pdu == _ASKS_FOR_ADDRESS:
            return bytes([READ_HOLDING, 2, self.unit, 0])
        if pdu[0] == WRITE_MANY and register == OWN_ADDRESS and len(pdu) == 8:
            self.unit = pdu[6]
            return pdu[:5]
        reply = super().answer(pdu)
        return None if reply is None or reply[0] & 0x80 else reply

    def blocks(self, function: int) -> list[Block]:
        return [
            constant(0x0700, (0x0100, 0x0107)),
            constant(0x0900, text(self.serial_number, 7)),
            constant(0x1100, float_dcba(1.0) + float_dcba(0.0)),
        ]
