"""The alarms of a sensor, by the species and limits of its tank and what the farm wants of each kind."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any

from agent.checks import CHECKS
from agent.config.alarm_kinds import settled
from agent.config.limits import DEADBAND, tank_limits
from agent.config.shape import AlarmsTable, LimitsTable, TankTable
from agent.domain.alarm import LOW_KINDS, Alarm, AlarmKind, Priority
from agent.domain.farm import Sensor
from agent.domain.quantity import Quantity
from agent.domain.sun import Place

_DENSE_KG_M3 = 40.0
"""Below, basic monitors suffice; from here on fish are lost within minutes (Ebeling, on process control)."""
_LOST_AT_MOST_S = 60.0
"""Dense tanks lose 5 mg/L in 5 to 17 minutes: a minute without oxygen reading is an alarm of its own (our choice)."""
_ANOMALY_S, _USUAL_AGAIN_S = 60.0, 300.0
# mg/L a minute: less than fish in a dense tank take when aeration fails (60 kg/m³ at 200 mg/kg/h: 0.2), more than
# feeding does. In % the same at 10 mg/L.
_RATE_OF_FALL = {Quantity.DISSOLVED_OXYGEN: 0.15, Quantity.DISSOLVED_OXYGEN_SATURATION: 1.5}
_FORECAST_S = 900.0  # ours: time to reach a tank at night

_CRITICAL = (AlarmKind.CRITICAL_LOW, AlarmKind.CRITICAL_HIGH)
OXYGEN = (Quantity.DISSOLVED_OXYGEN, Quantity.DISSOLVED_OXYGEN_SATURATION)


def sensor_alarms(
    sensor: Sensor,
    period_s: float,
    tank: TankTable,
    farm: AlarmsTable,
    checks: Collection[str],
    paired: bool,
    place: Place | None = None,
) -> Iterable[Alarm]:
    """A limit each of the tank's species and own table, and what tells of the sensor itself. `checks` are the names of
    those it goes through; `paired`: another sensor of its quantity is in the tank; `place` is where the sun rises.
    """
    limits = tank_limits(tank, sensor.quantity.sensor_type)
    own: dict[str, Any] = {
        key: delay_s for key in ("on_delay_s", "off_delay_s") if (delay_s := getattr(limits, key)) is not None
    }
    for alarm in (*_limits(sensor, limits, farm), *_before_the_limit(sensor, limits, farm, place)):
        yield replace(settled(alarm, farm, tank), **own)
    for alarm in (*_lost(sensor, period_s, tank, farm), *_told_by_checks(sensor, checks, paired)):
        yield settled(alarm, farm, tank)


def _limits(sensor: Sensor, limits: LimitsTable, farm: AlarmsTable) -> Iterable[Alarm]:
    deadband = DEADBAND[sensor.quantity] if limits.deadband is None else limits.deadband
    for kind in (AlarmKind.LOW, AlarmKind.CRITICAL_LOW, AlarmKind.HIGH, AlarmKind.CRITICAL_HIGH):
        found = getattr(limits, kind.value)
        if found is None:
            continue
        by_temperature = tuple(found.items()) if isinstance(found, dict) else ()
        strictest = max if kind in LOW_KINDS else min
        limit = strictest(found.values()) if isinstance(found, dict) else found
        priority = Priority.CRITICAL if kind in _CRITICAL else Priority.WARNING
        yield Alarm(
            sensor, kind, priority, limit, deadband, farm.on_delay_s, farm.off_delay_s, by_temperature=by_temperature
        )


def _before_the_limit(sensor: Sensor, limits: LimitsTable, farm: AlarmsTable, place: Place | None) -> Iterable[Alarm]:
    """Of oxygen with a critical limit, unless switched off; of other quantities where asked for."""
    oxygen = sensor.quantity in _RATE_OF_FALL and limits.critical_low is not None
    rate, ahead_s = limits.rate_of_fall, limits.forecast_s
    rate = _RATE_OF_FALL[sensor.quantity] if rate is None and oxygen else rate
    ahead_s = _FORECAST_S if ahead_s is None and oxygen else ahead_s
    delays_s = farm.on_delay_s, farm.off_delay_s
    if rate:
        yield Alarm(sensor, AlarmKind.RATE_OF_FALL, Priority.WARNING, rate, rate / 3, *delays_s)
    for critical in _limits(sensor, limits, farm):
        if ahead_s and critical.kind is AlarmKind.CRITICAL_LOW:
            yield replace(critical, kind=AlarmKind.FORECAST, within_s=ahead_s)
        if limits.dawn and critical.kind is AlarmKind.CRITICAL_LOW:
            yield replace(critical, kind=AlarmKind.DAWN_MINIMUM, priority=Priority.WARNING, place=place)


def _lost(sensor: Sensor, period_s: float, tank: TankTable, farm: AlarmsTable) -> Iterable[Alarm]:
    """Nothing comes of it, or nothing that can be."""
    density, patience_s = tank.density_kg_m3, farm.no_valid_data_s
    # A farm that does not say how dense its tank is gets the alarm that a dense one needs.
    critical = sensor.quantity in OXYGEN and (density is None or density >= _DENSE_KG_M3)
    if critical and density is not None:
        patience_s = min(patience_s, _LOST_AT_MOST_S)
    for kind in (AlarmKind.NO_VALID_DATA, AlarmKind.SENSOR_FAILED):
        priority = Priority.CRITICAL if critical else Priority.WARNING
        yield Alarm(sensor, kind, priority, None, 0.0, max(patience_s, 2 * period_s), 0.0)


def _told_by_checks(sensor: Sensor, checks: Collection[str], paired: bool) -> Iterable[Alarm]:
    places = list(CHECKS)
    if "anomaly" in checks:
        yield Alarm(
            sensor, AlarmKind.ANOMALY, Priority.ADVISORY, None, 0.0, _ANOMALY_S, _USUAL_AGAIN_S,
            acknowledges_itself=True, check=places.index("anomaly"),
        )  # fmt: skip
    if "pair_drift" in checks and paired:
        yield Alarm(
            sensor, AlarmKind.PROBE_DRIFT, Priority.ADVISORY, None, 0.0, 0.0, 0.0, check=places.index("pair_drift")
        )
