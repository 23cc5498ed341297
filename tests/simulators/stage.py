"""Twins in still water, and a clock that a test moves by hand."""

from dataclasses import dataclass
from typing import TypeVar

from simulators.clock import Clock
from simulators.frames import RtuSplitter, rtu_frame
from simulators.lines.exchange import Exchange
from simulators.probe import Senses, perfect
from simulators.twins.modbus import ModbusTwin
from simulators.water import Water

POND_WATER = Water(
    temperature_c=17.5,
    oxygen_mg_per_l=8.0,
    oxygen_percent=80.0,
    ph=7.25,
    salinity_psu=10.0,
    conductivity_ms_per_cm=15.0,
)
T = TypeVar("T", bound=ModbusTwin)


@dataclass
class StillWater:
    """The same water at any time, until a test pours in another."""

    water: Water = POND_WATER

    def at(self, t_s: float) -> Water:
        return self.water


class HandClock(Clock):
    """Real time that only moves when told."""

    def __init__(self, speed: float = 1.0) -> None:
        self.now_s = 0.0
        super().__init__(speed, lambda: self.now_s)


def twin_in(kind: type[T], water: Water = POND_WATER, unit: int | None = None, clock: Clock | None = None) -> T:
    """A twin without noise and slowness."""
    channels = {name: perfect(sense) for name, sense in kind.channels.items()}
    return kind(Senses(channels, StillWater(water), clock or HandClock()), unit)


def ask(twin: ModbusTwin, request: str) -> str:
    """What the twin answers to these bytes on an RTU line, both in hex; "" for silence."""
    splitter, exchange = RtuSplitter(), Exchange([twin])
    requests = splitter.feed(bytes.fromhex(request)) or splitter.silence()
    replies = [reply for one in requests for reply in exchange.replies(one)]
    return b"".join(rtu_frame(reply.unit, reply.pdu) for reply in replies).hex(" ").upper()


def framed(unit: int, pdu: str) -> str:
    """A request with its CRC, in hex."""
    return rtu_frame(unit, bytes.fromhex(pdu)).hex()
