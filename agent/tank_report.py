"""Tells every five minutes how well each tank is doing. The ring buffer is read in a thread of its own: at the start a
week of it, then what is new.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from agent.alarm_messages import iso
from agent.domain.clock import Clock, Instant
from agent.domain.errors import StoreError
from agent.domain.farm import Sensor, Tank
from agent.domain.quantity import Quantity
from agent.scores.hours import HOURS_KEPT, SPAN_S, History
from agent.scores.response import swing_of
from agent.scores.tank import maintenance, tank_health
from agent.store.inspection.reader import Reader
from agent.store.inspection.spans import first_since, spans

log = logging.getLogger(__name__)

EVERY_S: Final = 300.0
FIRST_AFTER_S: Final = 5.0
_HEALTH_HOURS, _MAINTENANCE_DAYS = 24, 7
_HOUR_US: Final = 3_600_000_000

_Known = dict[Quantity, list[History]]


class TankReports:
    """Hands `publish` the name of each tank and its report, JSON-ready; `newest` holds them all. `sensors` have how
    often each is read, `alarms` says how many stand in a tank, `then` goes on with what is known of all sensors.
    While the ring buffer cannot be read the coverage falls, until the scores are unknown.
    """

    def __init__(
        self,
        path: Path,
        sensors: Mapping[Sensor, float],
        alarms: Callable[[Tank], int],
        publish: Callable[[str, Mapping[str, Any]], None],
        clock: Clock,
        then: Callable[[Instant, Mapping[UUID, History]], Awaitable[None]] | None = None,
    ) -> None:
        self._path = path
        self._sensors = sensors
        self._alarms = alarms
        self._publish = publish
        self._clock = clock
        self._then = then
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="tanks")
        self._histories: dict[UUID, History] = {}
        self._read: int | None = None
        self._trusted: bool | None = None
        self.newest: dict[str, Mapping[str, Any]] = {}

    async def run(self) -> None:
        """Ends by cancellation."""
        await self._clock.sleep(FIRST_AFTER_S)
        while True:
            await self.report()
            await self._clock.sleep(EVERY_S)

    async def report(self) -> None:
        """As of now."""
        at = self._clock.now()
        known = await asyncio.get_running_loop().run_in_executor(self._thread, self._look, at)
        hour = at.utc_us // _HOUR_US
        for tank, by_quantity in known.items():
            every = [history for several in by_quantity.values() for history in several]
            told = {
                "tank": tank.name,
                "time": iso(at.utc_us),
                "clock_trusted": at.trusted,
                "health": asdict(tank_health(by_quantity, self._alarms(tank), _HEALTH_HOURS, hour)),
                "maintenance": asdict(maintenance(every, _MAINTENANCE_DAYS, at.utc_us // (SPAN_S * 1_000_000))),
            }
            self.newest[tank.name] = told
            self._publish(tank.name, told)
        if self._then is not None:
            await self._then(at, self._histories)

    def _look(self, at: Instant) -> dict[Tank, _Known]:
        self._begin_anew_if_needed(at)
        try:
            self._read_on(at)
        except StoreError as error:
            log.warning("The scores of tanks are told from what is known: %s", error)
        found: dict[Tank, _Known] = {}
        for sensor in self._sensors:
            history = self._histories[sensor.sensor_id]
            history.forget(at.utc_us // _HOUR_US)
            found.setdefault(sensor.tank, {}).setdefault(sensor.quantity, []).append(history)
        return found

    def _begin_anew_if_needed(self, at: Instant) -> None:
        """The first time, and whenever the clock was set: what was stored before may have got other times by that."""
        if at.trusted != self._trusted:
            self._trusted = at.trusted
            self._histories = {
                sensor.sensor_id: History(period_s, swing=swing_of(sensor.quantity))
                for sensor, period_s in self._sensors.items()
            }
            self._read = None

    def _read_on(self, at: Instant) -> None:
        with closing(Reader(self._path)) as reader:
            if self._read is None:
                self._read = first_since(reader, at.utc_us - HOURS_KEPT * _HOUR_US)
            for upto, page in spans(reader, self._read):
                for sensor_id, span in page:
                    if (history := self._histories.get(sensor_id)) is not None:
                        history.add(span)
                self._read = upto
