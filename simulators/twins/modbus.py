"""The Modbus slave that all register twins share; a model adds its map and its manners."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from simulators.probe import Sense, Senses
from simulators.twins.words import Words, packed

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE = 1, 2, 3
READ_HOLDING, READ_INPUT, WRITE_ONE, WRITE_MANY = 3, 4, 6, 16
_MOST_REGISTERS = 125


@dataclass(frozen=True, slots=True)
class Block:
    """Registers that hold one thing: the wire address of the first, how many, and how to make their words.

    `words` gives None where there is no value.
    """

    address: int
    count: int
    words: Callable[[], Words | None]


class Refusal(Exception):
    """The slave answers with this exception code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Mute(Exception):
    """The slave does not answer at all."""


class ModbusTwin:
    """A slave with registers. A model names its `channels`, gives `blocks` and what can be written.

    Without a value in the water (a hole in a recording) the probe is as good as unplugged: it does not answer.
    """

    model: ClassVar[str]
    channels: ClassVar[Mapping[str, Sense]]
    factory_unit: ClassVar[int] = 1
    reads: ClassVar[tuple[int, ...]] = (READ_HOLDING,)
    writes: ClassVar[tuple[int, ...]] = ()
    settings: ClassVar[Mapping[int, int]] = {}
    """Registers that can be written, with their factory values."""
    address_register: ClassVar[int | None] = None
    """The setting that holds the device's own address."""
    other_units: ClassVar[frozenset[int]] = frozenset()
    """Addresses that the device answers besides its own."""
    hears_broadcast: ClassVar[bool] = True

    def __init__(self, senses: Senses, unit: int | None = None, name: str = "") -> None:
        self.senses = senses
        self.faults = senses.faults
        self.unit = self.factory_unit if unit is None else unit
        self.name = name or self.model
        self.held = dict(self.settings)
        if self.address_register is not None:
            self.held[self.address_register] = self.unit
        self._maps: dict[int, dict[int, tuple[Block, int]]] = {}

    def blocks(self, function: int) -> list[Block]:
        """The registers that `function` (3 or 4) can read, besides `settings`. Asked once."""
        raise NotImplementedError

    def answer(self, pdu: bytes) -> bytes | None:
        """The reply to one request without address and CRC; None where the device stays silent."""
        function = pdu[0] if pdu else 0
        try:
            return self._perform(function, pdu)
        except Refusal as refusal:
            return bytes([function | 0x80, refusal.code])
        except Mute:
            return None

    def check_read(self, function: int, address: int, count: int) -> None:
        """Raise Refusal for a read that this model does not like; nothing is disliked here."""

    def written(self, address: int, value: int) -> None:
        """A setting has just been written. A model can react; the address takes effect at once."""
        if address == self.address_register and 1 <= value <= 247:
            self.unit = value

    def _perform(self, function: int, pdu: bytes) -> bytes:
        if function in self.reads and len(pdu) == 5:
            words = self._read(function, int.from_bytes(pdu[1:3], "big"), int.from_bytes(pdu[3:5], "big"))
            return bytes([function, 2 * len(words)]) + packed(words)
        if function == WRITE_ONE and function in self.writes and len(pdu) == 5:
            self._write(int.from_bytes(pdu[1:3], "big"), pdu[3:5])
            return pdu
        if function == WRITE_MANY and function in self.writes and len(pdu) >= 6:
            count = int.from_bytes(pdu[3:5], "big")
            if pdu[5] != 2 * count or len(pdu) != 6 + pdu[5]:
                raise Refusal(ILLEGAL_VALUE)
            self._write(int.from_bytes(pdu[1:3], "big"), pdu[6:])
            return pdu[:5]
        raise Refusal(ILLEGAL_VALUE if function in (*self.reads, *self.writes) else ILLEGAL_FUNCTION)

    def _read(self, function: int, address: int, count: int) -> list[int]:
        if not 1 <= count <= _MOST_REGISTERS:
            raise Refusal(ILLEGAL_VALUE)
        self.check_read(function, address, count)
        known = self._map(function)
        made: dict[int, Words] = {}
        words = []
        for register in range(address, address + count):
            if register in self.held:
                words.append(self.held[register])
                continue
            if register not in known:
                raise Refusal(ILLEGAL_ADDRESS)
            block, place = known[register]
            if block.address not in made:
                made[block.address] = self._made(block)
            words.append(made[block.address][place])
        return words

    def _made(self, block: Block) -> Words:
        words = block.words()
        if words is None:
            raise Mute
        return words

    def _map(self, function: int) -> dict[int, tuple[Block, int]]:
        if function not in self._maps:
            self._maps[function] = {
                block.address + place: (block, place) for block in self.blocks(function) for place in range(block.count)
            }
        return self._maps[function]

    def _write(self, address: int, raw: bytes) -> None:
        values = [int.from_bytes(raw[i : i + 2], "big") for i in range(0, len(raw), 2)]
        if any(address + place not in self.settings for place in range(len(values))):
            raise Refusal(ILLEGAL_ADDRESS)
        for place, value in enumerate(values):
            self.held[address + place] = value
            self.written(address + place, value)


def value_block(address: int, encode: Callable[[float], Words], value: Callable[[], float | None]) -> Block:
    """A block for one measured value; as long as what `encode` makes."""

    def words() -> Words | None:
        measured = value()
        return None if measured is None else encode(measured)

    return Block(address, len(encode(0.0)), words)


def constant(address: int, words: Words) -> Block:
    """A block that always reads the same."""
    return Block(address, len(words), lambda: words)
