"""One line full of lies, asked many times; every value that comes through is compared with what the twin held."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import cast

from agent.domain.errors import BadReply, BusError, NoReply, Refused
from agent.domain.farm import BusSettings, Protocol, SerialLine, TcpEndpoint
from drivers.bus.modbus import ModbusLine
from drivers.interfaces import Space
from tests.lies.liar import Asked, Liar
from tests.lies.virtual_time import LoopClock

MODBUS = (Protocol.MODBUS_RTU, Protocol.MODBUS_TCP, Protocol.MODBUS_RTU_OVER_TCP)
TIMEOUT_S, QUIET_S = 0.5, 0.3


@dataclass
class Tally:
    """What became of the transactions. `lies`: a wrong value, believed. `deaf`: a good answer, refused."""

    outcomes: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    lies: list[str] = field(default_factory=list)
    deaf: list[str] = field(default_factory=list)


class _Wire(asyncio.Transport):
    """Between pymodbus and the liar, where a port would be."""

    def __init__(self, liar: Liar, protocol: asyncio.Protocol) -> None:
        super().__init__()
        self._liar = liar
        liar.send = protocol.data_received

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._liar.hear(bytes(data))

    def close(self) -> None:
        self._liar.send = lambda data: None
        self._liar.forget()

    abort = close


class LineToLiar(ModbusLine):
    """The bus as it is, but for the port."""

    def __init__(self, settings: BusSettings, liar: Liar) -> None:
        super().__init__(settings, LoopClock())
        self._liar = liar

    def _new_client(self):  # type: ignore[no-untyped-def]
        client = super()._new_client()

        async def create() -> tuple[asyncio.Transport, asyncio.Protocol]:
            protocol = cast(asyncio.Protocol, client.ctx)
            wire = _Wire(self._liar, protocol)
            asyncio.get_running_loop().call_soon(protocol.connection_made, wire)
            return wire, protocol

        client.ctx.call_create = create
        return client


async def trial(protocol: Protocol, transactions: int, seed: int, share: float = 0.5) -> Tally:
    """`transactions` reads on a line where a `share` of the answers is tampered with."""
    random, tally = Random(seed), Tally()
    rtu = protocol is not Protocol.MODBUS_TCP
    port = SerialLine("liar") if protocol is Protocol.MODBUS_RTU else TcpEndpoint("liar")
    liar = Liar(rtu, random, TIMEOUT_S, QUIET_S, share)
    line = LineToLiar(BusSettings("pond", protocol, port, TIMEOUT_S, QUIET_S), liar)
    asked = Asked(1, 3, 0x200, 1)
    for transaction in range(transactions):
        # Registers whose question looks like an answer, each in its turn; often the same shape as the one before.
        address = 0x200 + transaction * 7 % 0x700
        if random.random() < 0.5:
            asked = Asked(random.randint(1, 7), random.choice([3, 4]), address, random.randint(1, 4))
        asked = asked._replace(address=address)
        await _one(line, liar, asked, transaction, tally, random)
    await line.close()
    return tally


async def _one(line: ModbusLine, liar: Liar, asked: Asked, transaction: int, tally: Tally, random: Random) -> None:
    liar.transaction, liar.done = transaction, []
    undisturbed = liar.on_the_way == 0
    patience_s = random.uniform(0, TIMEOUT_S) if random.random() < 0.02 else None
    outcome = "value"
    try:
        async with asyncio.timeout(patience_s):
            value = await line.read(asked.unit, Space(asked.function), asked.address, asked.registers)
        if value != liar.held(asked):
            tally.lies.append(f"{transaction}: {asked} {liar.done}: {value} instead of {liar.held(asked)}")
    except TimeoutError:
        outcome = "given up"
    except (NoReply, BadReply, BusError, Refused) as error:
        outcome = type(error).__name__
        if isinstance(error, Refused) and not {"refused", "target_silent"} & set(liar.done):
            tally.lies.append(f"{transaction}: {asked} {liar.done}: {error}")
        if undisturbed and not any(liar.done):
            tally.deaf.append(f"{transaction}: {asked}: {error}")
    tally.outcomes[outcome] += 1
    tally.faults.update(fault for fault in liar.done if fault)
