"""Simulated probes over days, through real checks, a real ring buffer and the reports."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from jsonschema import Draft202012Validator

from agent.alarm_messages import iso
from agent.checks.defaults import limits_for
from agent.checks.sensor_checks import farm_checks
from agent.domain.farm import Probe, Sensor, Tank
from agent.domain.quantity import Quantity
from agent.domain.reading import CheckedReading, Reading
from agent.probe_health.log import ProbeLog
from agent.probe_health.memory import ProbeMemory
from agent.probe_health.report import ProbeReports
from agent.scores.probe_limits import limits_of
from agent.store.store import Store, StoreSettings
from agent.tank_report import TankReports
from simulators.clock import Clock
from simulators.faults import Fault, Faults
from simulators.pond import WaterSource
from simulators.probe import Sense, Senses
from simulators.water import Water
from tests.clock import FakeClock

SCHEMA = Draft202012Validator(
    json.loads((Path(__file__).parents[2] / "agent/feed/schemas/probe-health.json").read_text())
)
HOUR, DAY = 3600.0, 86_400.0
BEGIN_US = 1_750_000_000_000_000 // 86_400_000_000 * 86_400_000_000
OXYGEN = Sense("oxygen_mg_per_l", tau_s=8.5, noise=0.009, resolution=0.01)  # as the twin of a Seeed S-RJY-01
ACIDITY = Sense("ph", tau_s=6.0, noise=0.004)  # as the twin of a Yosemitech Y532-A
BROKEN_FROM = 3 * DAY


class Handled(WaterSource):
    """Water of a tank; every day at ten somebody holds the probe into air, or a buffer, for ten minutes."""

    def at(self, t_s: float) -> Water:
        day = t_s % DAY
        if 10 * HOUR <= day < 10 * HOUR + 600:
            return Water(oxygen_mg_per_l=9.3, ph=7.0)
        swing = abs(day / DAY - 0.5)
        return Water(oxygen_mg_per_l=7.0 + 0.8 * swing, ph=7.9 + 0.4 * swing)


class Farm:
    """Probes of one sensor each, in tanks of their own or in that of another, read every 90 s and at ten every 5 s.

    Each `runs` is a start of its own with what the files hold.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.t_s = 0.0
        self.clock = FakeClock(BEGIN_US, boot_s=1_000_000.0)
        self.probes: list[Probe] = []
        self.senses: dict[str, tuple[Senses, Senses]] = {}
        self.told: list[tuple[float, str, str, str | None]] = []
        self.newest: dict[str, Mapping[str, Any]] = {}
        self.conditions: dict[Probe, dict[str, float | str]] = {}
        self.latest: dict[Sensor, CheckedReading] = {}

    def add(
        self, name: str, sense: Sense, worse: Sense | None = None, tank: str = "", fault: Fault | None = None
    ) -> None:
        """One that is `worse`, or has a fault, from BROKEN_FROM on."""
        number = len(self.probes) + 1
        place = next((one.tank for one in self.probes if one.tank.name == tank), Tank(tank or name, UUID(int=number)))
        quantity = Quantity.PH if sense.field == "ph" else Quantity.DISSOLVED_OXYGEN
        sensor = Sensor(UUID(int=100 + number), place, name, quantity.name.lower(), quantity, None)
        self.probes.append(Probe(name, place, "rs485", "any", number, 90.0, (sensor,)))
        clock, wrong = Clock(now=lambda: self.t_s), Faults(lambda: self.t_s, [fault] if fault else [])
        kept = [Senses({"it": one}, Handled(), clock, wrong, name) for one in (sense, worse or sense)]
        self.senses[name] = (kept[0], kept[1])

    async def runs(self, days: float) -> None:
        """A report every hour, which is noted when somebody is to act."""
        store = Store(StoreSettings(self.folder / "ring-buffer.sqlite", 64, keep_in_memory=200_000), [], self.clock)
        limits = {sensor: limits_for(sensor.quantity) for probe in self.probes for sensor in probe.sensors}
        checks = farm_checks(self.probes, limits)
        reports = ProbeReports(
            self.folder / "ring-buffer.sqlite", self.probes, lambda sensor: limits_of(sensor.quantity), self.latest,
            lambda: self.conditions, lambda tank, probe, told: self._hears(probe, told),
            ProbeLog(self.folder / "probe-log.jsonl"), ProbeMemory(self.folder / "probe-health.json"),
        )  # fmt: skip
        periods_s = {sensor: probe.period_s for probe in self.probes for sensor in probe.sensors}
        path = self.folder / "ring-buffer.sqlite"
        tanks = TankReports(path, periods_s, lambda tank: 0, lambda *_: None, self.clock, reports.report)
        end_s = self.t_s + days * DAY
        while self.t_s < end_s:
            store.put([self._read(probe, checks) for probe in self.probes], [])
            wait_s = 5.0 if 35_640 <= self.t_s % DAY < 37_440 else 90.0
            is_new_hour = (self.t_s + wait_s) // HOUR > self.t_s // HOUR
            self.t_s += wait_s
            self.clock.advance(wait_s)
            if is_new_hour:
                await store.commit()
                await tanks.report()
        await store.close()

    def clock_iso(self) -> str:
        return iso(self.clock.utc_us)

    def _read(self, probe: Probe, checks: Mapping[Sensor, Any]) -> CheckedReading:
        (sensor,) = probe.sensors
        senses = self.senses[probe.name][self.t_s >= BROKEN_FROM]
        at = self.clock.now()
        silent = senses.faults.amount("silence") and self.t_s % 300 < 120
        reading = Reading(sensor, at, None, "no reply in 0.5 s") if silent else Reading(sensor, at, senses.read("it"))
        checked: CheckedReading = checks[sensor].check(reading)
        self.latest[sensor] = checked
        return checked

    def _hears(self, probe: str, told: Mapping[str, Any]) -> None:
        SCHEMA.validate(dict(told))
        self.newest[probe] = told
        self.told.append((self.t_s, probe, told["state"], told["advice"]))

    def first_act(self, probe: str) -> tuple[float, str]:
        """How long after BROKEN_FROM, and the sentence."""
        return next((t_s - BROKEN_FROM, advice or "") for t_s, name, state, advice in self.told
                    if (name, state) == (probe, "act"))  # fmt: skip

    def evidence(self, probe: str, what: str) -> Mapping[str, Any]:
        return next(one for one in self.newest[probe]["evidence"] if one["what"] == what)
