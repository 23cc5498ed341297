"""Tells every five minutes how each probe does, from what the ring buffer holds, what its driver knows, and the log of
calibrations. Nothing is computed where readings pass.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any, Final
from uuid import UUID

from agent.alarm_messages import iso
from agent.checks import CHECKS
from agent.domain.clock import Instant
from agent.domain.errors import AquaError, StoreError
from agent.domain.farm import Probe, Sensor
from agent.domain.reading import CheckedReading
from agent.probe_health.log import Calibrated, ProbeLog, newest
from agent.probe_health.memory import ProbeMemory
from agent.scores.evidence import Seen, Upkeep
from agent.scores.hours import SPAN_S, History
from agent.scores.probe import ProbeHealth, probe_health
from agent.scores.probe_limits import Limits
from agent.scores.response import LEAST_STEP, steps
from agent.scores.since_calibration import DAY_US, SinceCalibration
from agent.store.inspection.reader import Reader
from agent.store.inspection.spans import course

log = logging.getLogger(__name__)

_HOURS: Final = 24
_FEWEST_SPANS: Final = 36  # three hours tell a day's noise
_AROUND: Final = 3  # spans before and after a swing: fifteen minutes, in which it settles
_COURSES: Final = 24  # are looked at in one report, on a large farm seconds each; the others wait for the next
_SPAN_US: Final = SPAN_S * 1_000_000
_PAIR_DRIFT: Final = list(CHECKS).index("pair_drift")

Conditions = Callable[[], Mapping[Probe, Mapping[str, Any]]]


class ProbeReports:
    """Hands `publish` the names of tank and probe and the report, JSON-ready; `newest` holds them all. `latest` are the
    newest readings, `conditions` what drivers know of their probes, by probe.
    """

    def __init__(
        self,
        path: Path,
        probes: Sequence[Probe],
        limits: Callable[[Sensor], Limits],
        latest: Mapping[Sensor, CheckedReading],
        conditions: Conditions,
        publish: Callable[[str, str, Mapping[str, Any]], None],
        calibrations: ProbeLog,
        memory: ProbeMemory,
    ) -> None:
        self._path = path
        self._probes = probes
        self._limits = limits
        self._latest = latest
        self._conditions = conditions
        self._publish = publish
        self._courses_left = _COURSES
        self._log = calibrations
        self._memory = memory
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="probes")
        placed = Counter((one.tank, one.quantity) for probe in probes for one in probe.sensors)
        self._paired = {one for probe in probes for one in probe.sensors if placed[one.tank, one.quantity] > 1}
        self.newest: Mapping[str, Mapping[str, Any]] = {}

    async def report(self, at: Instant, histories: Mapping[UUID, History]) -> None:
        """As of now; nobody else touches the histories meanwhile. A bug in it ends nothing else: alarms come first."""
        conditions, loop = self._conditions(), asyncio.get_running_loop()
        latest = dict(self._latest)
        try:
            found = await loop.run_in_executor(self._thread, self._look, at, histories, latest, conditions)
        except Exception:
            log.exception("A bug in the reports on probes; nothing is told of them, and everything else goes on")
            self.newest = {}
            return
        self.newest = {_name(probe): _told(probe, health, at) for probe, health in found.items()}
        for told in self.newest.values():
            self._publish(told["tank"], told["probe"], told)

    async def log_calibration(self, entry: Calibrated) -> None:
        """Raises AquaError when it cannot be written. Counts from the next report on."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._log.add, entry)

    def _look(
        self,
        at: Instant,
        histories: Mapping[UUID, History],
        latest: Mapping[Sensor, CheckedReading],
        conditions: Mapping[Probe, Mapping[str, Any]],
    ) -> dict[Probe, ProbeHealth]:
        entries = self._entries()
        self._courses_left = _COURSES
        found = {}
        for probe in self._probes:
            calibrated_us, cap_us = newest(entries, _name(probe))
            upkeep = Upkeep(_days(calibrated_us, at), _days(cap_us, at))
            learnt = {one: self._memory.of(one.sensor_id, at) for one in probe.sensors}
            for sensor, one in learnt.items():
                one.begin_anew(calibrated_us, cap_us)
                self._follow_steps(sensor, one, histories[sensor.sensor_id], at)
            seen = [
                self._seen(one, histories[one.sensor_id], learnt[one], latest.get(one), at) for one in probe.sensors
            ]
            found[probe] = probe_health(probe.name, seen, upkeep, conditions.get(probe, {}))
        self._memory.keep()
        return found

    def _entries(self) -> Sequence[Calibrated]:
        try:
            return self._log.entries()
        except AquaError as error:
            log.warning("When probes were calibrated is not known: %s", error)
            return []

    def _seen(
        self,
        sensor: Sensor,
        history: History,
        learnt: SinceCalibration,
        newest_one: CheckedReading | None,
        at: Instant,
    ) -> Seen:
        hours = list(history.last(_HOURS, at.utc_us // (3600 * 1_000_000)))
        noise = _noise(history, at)
        learnt.is_noisy_by(noise, at.utc_us)
        pair = newest_one.tests[_PAIR_DRIFT : _PAIR_DRIFT + 1] if newest_one and sensor in self._paired else ""
        return Seen(
            sensor.channel,
            sensor.quantity,
            self._limits(sensor),
            hours=sum(hour.readings > 0 for hour in hours),
            readings=sum(hour.readings for hour in hours),
            valued=sum(hour.valued for hour in hours),
            stuck=sum(hour.stuck for hour in hours),
            noise=noise,
            noise_then=learnt.noise,
            response_s=learnt.response_s,
            response_then_s=learnt.response_then_s,
            pair_flag=int(pair or 2) if sensor in self._paired else None,
            missing_because=newest_one.reading.because if newest_one else None,
        )

    def _follow_steps(self, sensor: Sensor, learnt: SinceCalibration, history: History, at: Instant) -> None:
        """Look closely at where values went up or down by much, as soon as what followed is there, too."""
        ripe, least = at.utc_us // _SPAN_US - _AROUND, LEAST_STEP.get(sensor.quantity)
        history.swings = {span for span in history.swings if (span + 1) * _SPAN_US > learnt.upto_us}
        for first, last in list(_together(history.swings)):
            if least is None or last >= ripe or not self._courses_left:
                continue
            self._courses_left -= 1
            try:
                seen = self._course(sensor, first - _AROUND, last + _AROUND + 1)
            except StoreError as error:
                log.warning("How fast %s follows cannot be seen: %s", sensor, error)
                return
            for step in steps(seen, least, _noise(history, at) or 0.0):
                learnt.follows(round(step.at_s * 1e6), step.t90_s)
            learnt.upto_us = max(learnt.upto_us, (last + 1) * _SPAN_US)
            history.swings -= set(range(first, last + 1))

    def _course(self, sensor: Sensor, first: int, end: int) -> Sequence[tuple[float, float]]:
        with closing(Reader(self._path)) as reader:
            return course(reader, sensor.sensor_id, first * _SPAN_US, end * _SPAN_US)


def _together(spans: set[int]) -> Iterator[tuple[int, int]]:
    """First and last of those that are near enough to be seen in one piece, of two hours at most."""
    first = last = None
    for span in sorted(spans):
        if first is None or last is None:
            first = last = span
        elif span - last <= 2 * _AROUND and span - first < _HOURS:
            last = span
        else:
            yield first, last
            first = last = span
    if first is not None and last is not None:
        yield first, last


def _noise(history: History, at: Instant) -> float | None:
    """The median deviation within five minutes, of the newest day: what happens now and then does not count."""
    now_hour = at.utc_us // (3600 * 1_000_000)
    found = [one for hour in history.last(_HOURS, now_hour) for one in hour.deviations]
    return median(found) if len(found) >= _FEWEST_SPANS else None


def _days(since_us: int | None, at: Instant) -> float | None:
    """None for what is said to be still to come."""
    return None if since_us is None or since_us > at.utc_us else (at.utc_us - since_us) / DAY_US


def _told(probe: Probe, health: ProbeHealth, at: Instant) -> Mapping[str, Any]:
    return {
        "tank": probe.tank.name,
        "probe": probe.name,
        "time": iso(at.utc_us),
        "clock_trusted": at.trusted,
        "state": health.state,
        "advice": health.advice,
        "evidence": [one._asdict() for one in health.evidence],
    }


def _name(probe: Probe) -> str:
    return f"{probe.tank.name}/{probe.name}"
