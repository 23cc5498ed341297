"""Builds every part of the gateway, runs them in one task group, and closes them in reverse order.

The only module that knows everybody. A bug in polling, the store or the alarm feed ends the process, and systemd
starts it again; sinks are supervised by their forwarders, so a sink's bug stops nothing.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from random import Random
from typing import Any

from agent.alarm_commands import Commands
from agent.alarm_orders import orders
from agent.answers.alarms import alarm_answers
from agent.answers.buses import bus_answers
from agent.answers.metrics import metrics_answers
from agent.answers.probes import probe_answers
from agent.bus_drivers import buses
from agent.checks.sensor_checks import farm_checks
from agent.config import Gateway
from agent.control import Control
from agent.domain.alarm import AlarmChange, AlarmKind
from agent.domain.clock import DoubtingClock
from agent.domain.equipment import FEED
from agent.domain.farm import Tank
from agent.domain.gateway_health import GatewayHealth
from agent.domain.reading import CheckedReading
from agent.equipment.parts import parts
from agent.equipment.watch import EquipmentWatch, Part
from agent.flight_recorder import FaultFiles, FlightRecorder
from agent.health import StatusFile
from agent.health_report import HealthReport, Outlook
from agent.messengers import Messengers
from agent.metrics.listener import MetricsListener
from agent.metrics.loop_lag import LoopLag
from agent.metrics.self_health import SelfHealth
from agent.parts_status import bus_status, conditions, in_short, sink_health, sink_status
from agent.pipeline import Pipeline
from agent.polling import BusLoop
from agent.probe_health.log import ProbeLog
from agent.probe_health.memory import ProbeMemory
from agent.probe_health.report import ProbeReports
from agent.store.ownership import owned
from agent.store.store import Store
from agent.tank_report import TankReports
from agent.tasks import cancelled
from agent.watchdog import BUS_WITHIN_S, OPENING_WITHIN_S, STORE_WITHIN_S, Step, Supervisor, Systemd, Watchdog
from cloud_sync.uplink import sink_class
from cloud_sync.uplink.forwarder import Forwarder

log = logging.getLogger(__name__)

_FIRST_WITHIN_S = 10.0
"""So long is the first reading waited for before the start counts as done without one."""


class App:
    """The running gateway. `stop()` ends it cleanly."""

    def __init__(
        self, gateway: Gateway, clock: DoubtingClock, random: Random, supervisor: Supervisor | None = None
    ) -> None:
        self._gateway = gateway
        self._clock = clock
        self._started_us = clock.now().utc_us
        self._stopping = asyncio.Event()
        self._supervisor = supervisor or Systemd(None)
        self._first_reading = asyncio.Event()
        self._opening_or_closing_since_s: float | None = clock.boot_s()
        self.store = Store(gateway.store, [sink.name for sink in gateway.sinks], clock)
        self.pipeline = Pipeline(
            farm_checks(gateway.probes, gateway.checks, gateway.derived),
            gateway.alarms,
            keep=self._keep,
            tell=self._tell,
            derived=gateway.derived,
        )
        self._messengers = messengers = Messengers(gateway, self.store, self.pipeline.follow, clock)
        feed = messengers.feed
        self.store.learnt = self.pipeline.learnt
        self.recorders = {bus.name: FlightRecorder(bus) for bus in gateway.buses}
        self._fault_files = FaultFiles(gateway.faults_dir, clock)
        feed.command = Commands(self._ordered, clock).result
        self.loops = [
            BusLoop(
                bus, drivers, self.pipeline.take_in, clock, random,
                partial(self._fault_files.begins, self.recorders[bus.name]),
            )
            for bus, drivers in buses(gateway, clock, self.recorders, self.pipeline.latest)
            if drivers
        ]  # fmt: skip
        self.forwarders = [
            Forwarder(
                sink.name, sink_class(sink.kind)(sink.settings, gateway.gateway_id), self.store, gateway.gateway_id,
                clock, sink.link, uniform=random.uniform,
            )
            for sink in gateway.sinks
        ]  # fmt: skip
        self._health = health = HealthReport(gateway.store, self.outlook, self._tell_health, clock)
        self._probes = ProbeReports(
            gateway.store.path, gateway.probes, gateway.probe_limits, self.pipeline.latest,
            lambda: conditions(self.loops), feed.tell_probe, ProbeLog(gateway.probe_log),
            ProbeMemory(gateway.probe_memory),
        )  # fmt: skip
        self._tanks = TankReports(
            gateway.store.path, gateway.periods_s, self._alarms_in, feed.tell_tank, clock, self._probes.report
        )
        watched = [
            *parts(self.loops, self.forwarders, messengers.followers, self.store, lambda: health.machine, clock),
            Part(FEED, AlarmKind.FEED_SILENT, messengers.feed_test.look, "reaches its listeners again"),
        ]
        self._equipment = EquipmentWatch(watched, self.pipeline.follow, clock)
        self._lag = LoopLag(clock)
        self.self_health = SelfHealth(
            gateway.gateway_id, health, self.outlook, self.loops, messengers.mqtt_status, self._lag, clock
        )
        self._metrics = MetricsListener(gateway.metrics, self.self_health.look) if gateway.metrics else None
        answers = {
            **metrics_answers(self.self_health.look),
            **bus_answers(gateway, self.loops, self.recorders, clock),
            **probe_answers(gateway.probes, self._probes, clock),
            **alarm_answers(self.pipeline.annunciator, self._ordered, messengers.alarm_metrics),
        }
        self._control = Control(gateway.control_socket, answers)
        self._status = StatusFile(gateway.status_file, self.status, clock)
        self._watchdog = Watchdog(self._steps, self._in_short, self._supervisor, clock)

    def stop(self) -> None:
        self._stopping.set()

    async def run(self) -> None:
        """Until `stop()`; what was read by then is stored and the files are closed.

        Raises StoreError when another gateway has this ring buffer.
        """
        with owned(self._gateway.state_dir):
            await self._run()

    async def _run(self) -> None:
        watching = asyncio.create_task(self._watchdog.run())
        try:
            memory_s, remember = self.pipeline.memory_s, self.pipeline.remember
            recalled = await self.store.recall(memory_s, remember, self._clock.not_before, self.pipeline.restore)
            await self._messengers.resume(recalled, self.pipeline.annunciator.watches)
            self.pipeline.resume(recalled.standing, self._clock.now())
            self._opening_or_closing_since_s = None
            await self._run_until_stopped()
            self.store.keep_learnt()
        finally:
            self._opening_or_closing_since_s = self._clock.boot_s()
            await self.store.close()
            self._status.write("stopped")
            await cancelled([watching])

    async def _run_until_stopped(self) -> None:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(part) for part in self._parts()]
            log.info(
                "Gateway %s runs: %d probes on %d buses",
                self._gateway.gateway_id,
                len(self._gateway.probes),
                len(self.loops),
            )
            await self._stopping.wait()
            await cancelled(tasks)

    def _parts(self) -> list[Coroutine[Any, Any, None]]:
        return [
            self.store.run(),
            *self._messengers.parts(),
            *(forwarder.run() for forwarder in self.forwarders),
            *(loop.run() for loop in self.loops),
            self._status.run(),
            self._control.run(),
            self._fault_files.run(),
            self._health.run(),
            self._tanks.run(),
            self._equipment.run(),
            self._ready(),
            self._lag.run(),
            self.self_health.run(partial(self._messengers.feed.retain, "metrics")),
            *([self._metrics.run()] if self._metrics else []),
        ]

    def _keep(self, readings: Iterable[CheckedReading], changes: Sequence[AlarmChange]) -> None:
        self._messengers.tell_readings(readings)
        self.store.put(readings, changes)
        if readings:
            self._first_reading.set()

    def _tell(self, changes: Sequence[AlarmChange]) -> None:
        self._messengers.tell(changes)

    def _tell_health(self, health: GatewayHealth) -> None:
        self._messengers.tell_health(health, self.pipeline.annunciator.watches)
        self.store.bulletin.publish(health)

    async def _ready(self) -> None:
        """Told with the first reading on the disk; or, where none comes or it cannot be stored, all the same."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_FIRST_WITHIN_S):
                await self._first_reading.wait()
        await self.store.commit()
        self._supervisor.tell("READY=1")

    def _steps(self) -> list[Step]:
        """What a reading passes on its way into the ring buffer."""
        if self._opening_or_closing_since_s is not None:
            return [Step("opening or closing the ring buffer", self._opening_or_closing_since_s, OPENING_WITHIN_S)]
        turns = [Step(f"bus {loop.bus.name}", loop.since_s, BUS_WITHIN_S) for loop in self.loops]
        return [*turns, Step("the store", self.store.tried_s + self._gateway.store.commit_s, STORE_WITHIN_S)]

    def _in_short(self) -> str:
        return in_short(self.loops, self.forwarders, self.store)

    def _ordered(self, request: Mapping[str, Any]) -> Sequence[AlarmChange]:
        at = self._clock.now()
        return self.pipeline.order(orders(request, self.pipeline.annunciator, at), at)

    def _alarms_in(self, tank: Tank) -> int:
        watches = self.pipeline.annunciator.watches
        return sum(watch.standing.active and watch.alarm.source.tank == tank for watch in watches)

    def outlook(self) -> Outlook:
        """What `agent.health_report` tells the cloud of everything that is not in the ring buffer."""
        alarms = Counter(watch.alarm.priority for watch in self.pipeline.annunciator.watches if watch.standing.active)
        sinks = [sink_health(forwarder.status) for forwarder in self.forwarders]
        return Outlook(self.store.state.value, self.store.trouble, alarms, sinks)

    def status(self) -> dict[str, Any]:
        """What `agent.health` writes: the state of everything that is not in the ring buffer."""
        return {
            "gateway": self._gateway.gateway_id,
            "site": self._gateway.site,
            "started_us": self._started_us,
            "store": {
                "path": str(self._gateway.store.path),
                "state": self.store.state.value,
                "trouble": self.store.trouble,
            },
            "mqtt": self._messengers.mqtt_status(),
            "sparkplug": [node.status() for node in self._messengers.edge_nodes],
            "notify": [follower.status() for follower in self._messengers.followers],
            "tanks": list(self._tanks.newest.values()),
            "buses": [bus_status(loop) for loop in self.loops],
            "sinks": [sink_status(forwarder.status) for forwarder in self.forwarders],
        }
