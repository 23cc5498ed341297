"""How long before the critical limit an aeration failure is warned of, and how often for nothing.

    python -m tests.bench.early_warning

A simulated tank and its probe (lag 8 s, noise 0.02 mg/L, steps of 0.01 mg/L, read every 5 s), and the gateway's own
checks and alarms as configured by default with `critical_low = 4`. The aerators stop at 10:00, two hours after feeding.
Days without a failure are run with a calm probe (a third of the noise) and with noisy ones, too.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from agent.checks.defaults import limits_for
from agent.checks.sensor_checks import farm_checks
from agent.config.sensor_alarms import sensor_alarms
from agent.config.shape import AlarmsTable, LimitsTable, TankTable
from agent.domain.alarm import AlarmChange, AlarmKind, Event
from agent.domain.farm import Probe, Sensor, Span, Tank
from agent.domain.quantity import Quantity
from agent.domain.reading import CheckedReading, Reading
from agent.pipeline import Pipeline
from simulators.clock import Clock
from simulators.pond import Pond, PondSettings
from simulators.probe import Sense, Senses
from simulators.schedule import Window
from tests.clock import FakeClock

CRITICAL = 4.0  # mg/L
FAILS_AT_S = 3600.0
_TANK = Tank("tank-1", UUID(int=1))
_OXYGEN = Sensor(UUID(int=11), _TANK, "do-1", "oxygen", Quantity.DISSOLVED_OXYGEN, Span(0, 20))
_WARMTH = Sensor(UUID(int=12), _TANK, "do-1", "temperature", Quantity.TEMPERATURE, Span(-5, 50))
_PROBE = Probe("do-1", _TANK, "rs485", "any", 1, 5.0, (_OXYGEN, _WARMTH))
_SENSES = {
    "oxygen": Sense("oxygen_mg_per_l", tau_s=8.0, noise=0.02, resolution=0.01),
    "temperature": Sense("temperature_c", tau_s=30.0, resolution=0.1),
}


@dataclass
class Watched:
    """What came of one run; times in seconds of the simulation."""

    raised: dict[AlarmKind, float] = field(default_factory=dict)
    changes: list[AlarmChange] = field(default_factory=list)
    critical_s: float | None = None

    def minutes_before(self, kind: AlarmKind) -> float | None:
        """How long the alarm was raised before the water itself was at the critical limit."""
        if self.critical_s is None or kind not in self.raised:
            return None
        return (self.critical_s - self.raised[kind]) / 60


def watched(
    settings: PondSettings, for_s: float, fails: bool, seed: int = 1, silent: Sequence[Window] = (), noise: float = 1.0
) -> Watched:
    """The tank for so long; in the `silent` windows the probe gives no value; its noise is `noise` times the usual."""
    pond = Pond(settings, seed, [Window(FAILS_AT_S)] if fails else [])
    clock = FakeClock(boot_s=0.0)
    channels = {name: replace(sense, noise=noise * sense.noise) for name, sense in _SENSES.items()}
    senses = Senses(channels, pond, Clock(now=clock.boot_s), seed=seed)
    found = Watched()

    def tell(changes: Sequence[AlarmChange]) -> None:
        found.changes += changes
        for change in changes:
            if change.event is Event.RAISED:
                found.raised.setdefault(change.alarm.kind, change.at.boot_s)

    tank = TankTable(name="tank-1", limits={"DissolvedOxygen": LimitsTable(critical_low=CRITICAL)})
    limits = {sensor: limits_for(sensor.quantity) for sensor in _PROBE.sensors}
    alarms = [
        alarm
        for sensor in _PROBE.sensors
        for alarm in sensor_alarms(sensor, _PROBE.period_s, tank, AlarmsTable(), limits[sensor], paired=False)
    ]
    pipeline = Pipeline(farm_checks([_PROBE], limits), alarms, _forget, tell)
    while clock.boot < for_s:
        clock.advance(_PROBE.period_s)
        away = any(window.holds(clock.boot) for window in silent)
        pipeline.take_in(_read(senses, clock, away))
        water = pond.at(clock.boot).oxygen_mg_per_l
        if found.critical_s is None and water is not None and water < CRITICAL:
            found.critical_s = clock.boot
    return found


def _read(senses: Senses, clock: FakeClock, away: bool) -> Iterator[Reading]:
    for sensor in _PROBE.sensors:
        value = senses.read(sensor.channel)
        yield Reading(sensor, clock.now(), None if away else value, "no reply in 0.5 s" if away else None)


def _forget(readings: Iterable[CheckedReading], changes: Sequence[AlarmChange]) -> None:
    """Nothing is stored."""


def tank(biomass_kg_per_m3: float, respiration_mg_per_kg_h: float) -> PondSettings:
    """As much aeration as keeps such a tank at about nine tenths of saturation."""
    needed = biomass_kg_per_m3 * respiration_mg_per_kg_h / 1000 / 3
    return PondSettings(
        biomass_kg_per_m3=biomass_kg_per_m3,
        respiration_mg_per_kg_h=respiration_mg_per_kg_h,
        aeration_per_h=needed,
    )


def _failures() -> None:
    print("kg/m³  mg/kg/h  from failure to 4 mg/L  rate of fall, min before  forecast, min before")
    for biomass, breathes in ((20, 300), (60, 200), (60, 300), (60, 500), (120, 300), (120, 500)):
        runs = [watched(tank(biomass, breathes), FAILS_AT_S + 5400, fails=True, seed=seed) for seed in range(3)]
        least = {
            kind: min((run.minutes_before(kind) or 0.0 for run in runs), default=0.0)
            for kind in (AlarmKind.RATE_OF_FALL, AlarmKind.FORECAST)
        }
        took = min((run.critical_s or 0.0) - FAILS_AT_S for run in runs) / 60
        rate, forecast = least[AlarmKind.RATE_OF_FALL], least[AlarmKind.FORECAST]
        print(f"{biomass:5}  {breathes:7}  {took:18.1f} min  {rate:24.1f}  {forecast:19.1f}")


def _quiet_days(days: int, noise: float) -> None:
    for biomass, breathes in ((20, 300), (60, 300), (120, 300)):
        run = watched(tank(biomass, breathes), days * 86_400, fails=False, noise=noise)
        told = sorted(kind.value for kind in run.raised)
        print(
            f"{biomass} kg/m³, {days} days without a failure, {noise:.2g} times the noise: {len(run.changes)} changes "
            f"{told}",
            flush=True,
        )


if __name__ == "__main__":
    _failures()
    for noise in (1.0, 0.3, 3.0, 10.0):
        _quiet_days(2, noise)
