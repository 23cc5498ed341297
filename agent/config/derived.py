"""`[[derived]]`: sensors that are computed from others of their tank."""

from collections.abc import Mapping, Sequence

from agent.config import shape
from agent.config.compensation import AT_LEAST_S, TURNS
from agent.config.document import Document
from agent.derivation import FORMULAS, Formula
from agent.domain.farm import DERIVED, Compensation, Derived, Probe, Sensor, Tank
from agent.domain.quantity import Quantity


def derived(document: Document, tanks: Mapping[str, Tank], probes: Sequence[Probe]) -> list[Derived]:
    """All of them, each after those it takes values from. What refers to a broken table is not blamed a second time."""
    told_already = any(problem.key.startswith(("tanks", "probes", "[[")) for problem in document.problems)
    periods_s = {sensor: probe.period_s for probe in probes for sensor in probe.sensors}
    found: list[Derived] = []
    for n, value in enumerate(document.list("derived", needed=False)):
        key = f"derived[{n}]"
        table = document.validated(value, key, shape.DerivedTable)
        if table is None or told_already:
            continue
        if one := _derived(document, key, table, tanks, periods_s):
            found.append(one)
            periods_s[one.sensor] = one.period_s
    return found


def _derived(
    document: Document,
    key: str,
    table: shape.DerivedTable,
    tanks: Mapping[str, Tank],
    periods_s: Mapping[Sensor, float],
) -> Derived | None:
    formula, tank = FORMULAS.get(table.formula), tanks.get(table.tank)
    if formula is None:
        document.wrong(f"{key}.formula", table.formula, "is no formula", f"write one of {', '.join(FORMULAS)}")
    if tank is None:
        document.wrong(f"{key}.tank", table.tank, "there is no such entry in [[tanks]]", "correct the name")
    if formula is None or tank is None:
        return None
    sensors = {f"{one.probe}/{one.channel}": one for one in periods_s if one.tank is tank}
    if f"{DERIVED}/{table.name}" in sensors:
        document.wrong(f"{key}.name", table.name, "another [[derived]] of this tank has this name", "choose another")
    inputs = _inputs(document, key, table, formula, sensors, periods_s)
    driver = None if inputs is None else inputs[next(iter(formula.inputs))]
    if inputs is None or not isinstance(driver, Compensation):
        return None
    sensor_id = document.id_of(f"{key}.sensor_id", table.sensor_id, tank.name, DERIVED, table.name)
    sensor = Sensor(sensor_id, tank, DERIVED, table.name, formula.quantity, None)
    return Derived(sensor, table.formula, inputs, driver.sensor, periods_s[driver.sensor])


def _inputs(
    document: Document,
    key: str,
    table: shape.DerivedTable,
    formula: Formula,
    sensors: Mapping[str, Sensor],
    periods_s: Mapping[Sensor, float],
) -> dict[str, Compensation | float] | None:
    """In the formula's order; None if one of them is wrong."""
    found: dict[str, Compensation | float] = {}
    wrong = False
    for name in table.inputs.keys() - formula.inputs.keys() - formula.constants.keys():
        possible = ", ".join((*formula.inputs, *formula.constants))
        document.wrong(f"{key}.inputs.{name}", None, f"{table.formula} takes no {name}", f"possible here: {possible}")
        wrong = True
    for n, (name, quantity) in enumerate(formula.inputs.items()):
        given = table.inputs.get(name)
        if isinstance(given, float) and n:
            found[name] = given
        elif sensor := _sensor(document, f"{key}.inputs.{name}", given, quantity, sensors, number_allowed=n > 0):
            period_s = periods_s[sensor]
            found[name] = Compensation(sensor, table.max_age_s or max(TURNS * period_s, AT_LEAST_S))
        else:
            wrong = True
    for name, usual in formula.constants.items():
        given = table.inputs.get(name, usual)
        if isinstance(given, float):
            found[name] = given
        else:
            document.wrong(f"{key}.inputs.{name}", given, "is no number", "write a number, or leave it out")
            wrong = True
    return None if wrong else found


def _sensor(
    document: Document,
    key: str,
    given: float | str | None,
    quantity: Quantity,
    sensors: Mapping[str, Sensor],
    number_allowed: bool,
) -> Sensor | None:
    sensor = sensors.get(str(given))
    if sensor is not None and sensor.quantity is quantity:
        return sensor
    fitting = ", ".join(name for name, one in sensors.items() if one.quantity is quantity) or "none in this tank"
    if given is None:
        reason = "is missing"
    elif sensor is not None:
        reason = f"that measures {sensor.quantity.sensor_type}"
    else:
        reason = "there is no such sensor in the tank, or only further below"
    also = f", or a number in {quantity.unit}" if number_allowed else ""
    document.wrong(key, given, reason, f'write "probe/sensor" for {quantity.sensor_type} ({fitting}){also}')
    return None
