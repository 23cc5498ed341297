"""A Modbus line without a wire, that answers as recorded."""

from collections.abc import Sequence

from agent.domain.clock import Clock
from agent.domain.errors import NoReply
from drivers.interfaces import Cost, Space
from tests.clock import FakeClock
from tests.drivers.devices import crc

Exchanges = tuple[tuple[bytes, bytes], ...]


class RecordedBus:
    """Answers the requests of `play`, in this order, and no others. Implements `ModbusBus`; time passes at once."""

    name = "recorded"
    quiet_s = 0.0

    def __init__(self, exchanges: Exchanges) -> None:
        self.cost = Cost(0.02, 0.002)
        self.clock: Clock = FakeClock()
        self.play(exchanges)

    def play(self, exchanges: Exchanges) -> None:
        self.left = list(exchanges)

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def read(self, unit: int, space: Space, address: int, count: int) -> tuple[int, ...]:
        response = self._answer(bytes((unit, space.value)) + address.to_bytes(2, "big") + count.to_bytes(2, "big"))
        return tuple(int.from_bytes(response[at : at + 2], "big") for at in range(3, len(response) - 2, 2))

    async def write(self, unit: int, address: int, registers: Sequence[int], single: bool = False) -> None:
        content = b"".join(register.to_bytes(2, "big") for register in registers)
        body = bytes((unit, 6 if single else 16)) + address.to_bytes(2, "big")
        self._answer(
            body + content if single else body + len(registers).to_bytes(2, "big") + bytes((len(content),)) + content
        )

    def _answer(self, body: bytes) -> bytes:
        if not self.left or self.left[0][0] != body + crc(body):
            raise NoReply(f"not recorded here: {body.hex(' ')}")
        return self.left.pop(0)[1]
