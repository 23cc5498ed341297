"""Probes that measure only when told to: give the order, wait, and then ask."""

from collections.abc import Mapping
from math import ceil

from agent.domain.errors import BadReply, BusError, ProbeError
from agent.domain.reading import Missing
from drivers.interfaces import ModbusBus, ProbeDriver
from drivers.probes.modbus_facts import Start

_LONGEST_WAIT_S = 10.0  # the line waits with us


class StartedDriver:
    """Has a probe measure before its driver `asks` for what it found.

    A probe that is started `once` is started again after every failure: it may have lost power. Until its values have
    settled it has none; the line is not kept waiting for that.
    """

    def __init__(
        self, asks: ProbeDriver, start: Start, settle_s: float, channels: tuple[str, ...], bus: ModbusBus, unit: int
    ) -> None:
        self._asks = asks
        self._start = start
        self._settle_s = settle_s
        self._channels = channels
        self._bus = bus
        self._unit = unit
        self._settled_s: float | None = None  # boot time; None: to be started
        self._told_wait_s: float | None = None

    async def read(self) -> Mapping[str, float | Missing]:
        try:
            if self._start.once:
                return await self._read_started_once()
            await self._give_order()
            return await self._asks.read()
        except (BusError, ProbeError):
            self._settled_s = self._told_wait_s = None
            raise

    async def _read_started_once(self) -> Mapping[str, float | Missing]:
        if self._settled_s is None:
            await self._give_order()
            self._settled_s = self._bus.clock.boot_s() + self._settle_s
        left_s = self._settled_s - self._bus.clock.boot_s()
        if left_s > 0:
            because = f"the probe was started and needs another {ceil(left_s)} s until its values have settled"
            settling = Missing(because, ready_in_s=left_s)
            return dict.fromkeys(self._channels, settling)
        return await self._asks.read()

    async def _give_order(self) -> None:
        start, bus, unit = self._start, self._bus, self._unit
        if start.write is None:
            await bus.read(unit, start.block.space, start.block.address, start.block.count)
        else:
            await bus.write(unit, start.block.address, start.write, start.single)
        if start.wait_ms is not None and self._told_wait_s is None:
            (milliseconds,) = await bus.read(unit, start.wait_ms.space, start.wait_ms.address, 1)
            self._told_wait_s = self._believable(milliseconds / 1000)
        wait_s = start.wait_s + (self._told_wait_s or 0.0)
        if wait_s:
            await bus.clock.sleep(wait_s)

    def _believable(self, wait_s: float) -> float:
        if wait_s > _LONGEST_WAIT_S:
            raise BadReply(
                f"unit {self._unit} on {self._bus.name} wants {wait_s:g} s for one measurement: not believed"
            )
        return wait_s
