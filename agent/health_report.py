"""A report on the gateway's own health, once a minute, for the sinks."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from importlib.metadata import version

from agent.domain.alarm import Priority
from agent.domain.clock import Clock
from agent.domain.errors import StoreError
from agent.domain.gateway_health import GatewayHealth, MachineHealth, SinkHealth, StoreHealth
from agent.machine import Machine
from agent.store.inspection.occupancy import files, occupancy
from agent.store.inspection.reader import Reader
from agent.store.store import StoreSettings

EVERY_S = 60.0
_FRESH_S = 5.0
_WITHIN_S = 2.0


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the parts that run say of themselves, at once and without looking at a disk; `alarms` counts those that
    stand, by priority.
    """

    store_state: str
    store_trouble: str | None
    alarms: Mapping[Priority, int]
    sinks: Sequence[SinkHealth]


@dataclass(frozen=True, slots=True)
class _Held:
    """What is found in the ring buffer: the newest number, its readings, days left, and what waits for each sink."""

    newest: int
    readings: int
    days_left: float | None
    backlog: Mapping[str, int]


class HealthReport:
    """Hands `publish` a report every `EVERY_S`. The disk is looked at in a thread of its own: if it hangs there are no
    reports, and nothing else waits. `machine` is the newest look at the computer and `log_bytes` at the ring buffer's
    write-ahead log, None before the first.
    """

    def __init__(
        self,
        settings: StoreSettings,
        look: Callable[[], Outlook],
        publish: Callable[[GatewayHealth], None],
        clock: Clock,
        machine: Machine | None = None,
    ) -> None:
        self._settings = settings
        self._look = look
        self._publish = publish
        self._clock = clock
        self._machine = machine or Machine(settings.path.parent)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="health")
        self.version = version("aquacontrol-gateway")
        self._began_s = clock.boot_s()
        self._seq = 0
        self._before: tuple[float, int] | None = None
        self.machine: MachineHealth | None = None
        self.log_bytes: int | None = None
        self._newest: GatewayHealth | None = None
        self._looking: asyncio.Task[GatewayHealth] | None = None

    async def run(self) -> None:
        """Ends by cancellation."""
        while True:
            await self._clock.sleep(EVERY_S)
            self._publish(await self._begun())

    @property
    def uptime_s(self) -> float:
        return self._clock.boot_s() - self._began_s

    async def recent(self) -> GatewayHealth | None:
        """A report a few seconds old at most. While the disk hangs it is the last one there was, or None."""
        if self._newest is None or self._clock.boot_s() - self._newest.at.boot_s > _FRESH_S:
            done, _ = await asyncio.wait({self._begun()}, timeout=_WITHIN_S)
            for looked in done:
                return await looked
        return self._newest

    def _begun(self) -> asyncio.Task[GatewayHealth]:
        """One for all who want one now: between two at once there is no rate of readings."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self.report())
        return self._looking

    async def report(self) -> GatewayHealth:
        """As of now."""
        loop = asyncio.get_running_loop()
        sizes, held, machine = await loop.run_in_executor(self._thread, self._look_at_the_disk)
        self.machine, self.log_bytes = machine, sizes.get("log")
        seen, at = self._look(), self._clock.now()
        self._seq += 1
        self._newest = GatewayHealth(
            self._seq,
            at,
            self.version,
            at.boot_s - self._began_s,
            self._readings_per_s(at.boot_s, held),
            sum(seen.alarms.values()),
            StoreHealth(
                seen.store_state,
                seen.store_trouble,
                sum(sizes.values()) if sizes else None,
                self._settings.size_mb * 1_000_000,
                held.readings if held else None,
                held.days_left if held else None,
            ),
            tuple(replace(sink, backlog=held.backlog.get(sink.name) if held else None) for sink in seen.sinks),
            machine,
        )
        return self._newest

    def _look_at_the_disk(self) -> tuple[Mapping[str, int], _Held | None, MachineHealth]:
        return self._sizes(), self._held(), self._machine.look()

    def _sizes(self) -> Mapping[str, int]:
        """Of the ring buffer's files, by what they are; empty while the disk cannot be read."""
        try:
            return files(self._settings.path, 0)
        except (StoreError, OSError):
            return {}

    def _held(self) -> _Held | None:
        """None while the ring buffer cannot be read; the store tells why."""
        try:
            with closing(Reader(self._settings.path)) as reader:
                found = occupancy(reader, self._settings.size_mb * 1_000_000)
                backlog = {row["sink"]: row["backlog"] for row in reader.deliveries()}
                newest = reader.value("SELECT max(seq) FROM readings") or 0
        except (StoreError, OSError):
            return None
        days_left = found["holds_days"]
        if days_left is not None:
            days_left = max(0.0, days_left - max(backlog.values(), default=0) / found["per_day"])
        return _Held(newest, found["held"], days_left, backlog)

    def _readings_per_s(self, now_s: float, held: _Held | None) -> float | None:
        before, self._before = self._before, (now_s, held.newest) if held else None
        if before is None or held is None or held.newest < before[1] or now_s <= before[0]:
            return None
        return (held.newest - before[1]) / (now_s - before[0])
