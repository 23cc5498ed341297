"""Everything the gateway knows of its own health, gathered when somebody asks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from agent.alarm_messages import compact
from agent.domain.alarm import Priority
from agent.domain.clock import Clock
from agent.domain.gateway_health import GatewayHealth, MachineHealth, SinkHealth, StoreHealth
from agent.health_report import EVERY_S, HealthReport, Outlook
from agent.metrics.board import Board
from agent.metrics.loop_lag import LoopLag
from agent.polling import BusLoop
from cloud_sync.uplink.status import TROUBLED

_NO_MACHINE: Final = MachineHealth(None, None, None, None, None)


class SelfHealth:
    """`look()` is ready for JSON. `outlook` and `mqtt` say at once what the parts that run know of themselves."""

    def __init__(
        self,
        gateway_id: str,
        report: HealthReport,
        outlook: Callable[[], Outlook],
        loops: Sequence[BusLoop],
        mqtt: Callable[[], Mapping[str, Any]],
        lag: LoopLag,
        clock: Clock,
        board: Board | None = None,
    ) -> None:
        self._gateway_id = gateway_id
        self._report = report
        self._outlook = outlook
        self._loops = loops
        self._mqtt = mqtt
        self._lag = lag
        self._clock = clock
        self._board = board or Board()

    async def run(self, tell: Callable[[str], None]) -> None:
        """Tell it as JSON every `EVERY_S`; ends by cancellation."""
        while True:
            await self._clock.sleep(EVERY_S)
            tell(compact(await self.look()))

    async def look(self) -> dict[str, Any]:
        """As of now: the keys are those that `agent.metrics.exposition` makes metrics of, with units in their names.

        What nobody can know is None. What is on the disk comes from the newest report, `report_age_s` old: while the
        disk hangs that grows, and all the rest is still told.
        """
        newest, seen = await self._report.recent(), self._outlook()
        now = self._clock.now()
        uptime_s = self._report.uptime_s
        mqtt = self._mqtt()
        return {
            "gateway": self._gateway_id,
            "version": self._report.version,
            "at_us": now.utc_us,
            "uptime_s": uptime_s,
            "report_age_s": None if newest is None else now.boot_s - newest.at.boot_s,
            "clock": {"trusted": now.trusted},
            "readings_per_s": newest and newest.readings_per_s,
            "alarms": {"standing": sum(seen.alarms.values())},
            "priorities": [{"name": one.value, "standing": seen.alarms.get(one, 0)} for one in Priority],
            "loop": {"lag_s": self._lag.worst.of_late(now.boot_s)},
            "machine": asdict(newest.machine if newest else _NO_MACHINE),
            "board": dict(self._board.look(uptime_s)),
            "store": {**_store(seen, newest), "log_bytes": self._report.log_bytes},
            "mqtt": {"connected": mqtt["trouble"] is None, **mqtt},
            "buses": [_bus(loop, now.boot_s, uptime_s) for loop in self._loops],
            "sinks": [_sink(sink, newest) for sink in seen.sinks],
        }


def _store(seen: Outlook, newest: GatewayHealth | None) -> dict[str, Any]:
    on_disk = newest.store if newest else StoreHealth("", None, None, None, None, None)
    now = {"state": seen.store_state, "trouble": seen.store_trouble}
    return {**asdict(on_disk), **now, "ok": seen.store_state == "ok"}


def _bus(loop: BusLoop, now_s: float, uptime_s: float) -> dict[str, Any]:
    tally = loop.tally
    return {
        "name": loop.bus.name,
        "up": loop.trouble is None,
        "silent": sum(turn.is_silent for turn in loop.turns),
        "polls": tally.polls,
        "failures": tally.failures,
        "errors": tally.errors,
        "busy_s": tally.busy_s,
        "busy_percent": 100 * tally.busy_s / uptime_s if uptime_s > 0 else None,
        "late_s": tally.late.of_late(now_s),
    }


def _sink(sink: SinkHealth, newest: GatewayHealth | None) -> dict[str, Any]:
    backlog = {found.name: found.backlog for found in newest.sinks} if newest else {}
    return {**asdict(sink), "backlog": backlog.get(sink.name), "ok": sink.state not in TROUBLED}
