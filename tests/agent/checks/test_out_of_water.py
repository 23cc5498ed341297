"""A probe in the air: told by conductivity and temperature of the same probe, and by neither alone."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from math import exp
from uuid import UUID

import pytest

from agent.annunciator import Annunciator
from agent.checks import out_of_water
from agent.checks.sensor_checks import SensorChecks, farm_checks
from agent.domain.alarm import AlarmKind
from agent.domain.farm import Probe, Sensor, Span
from agent.domain.quantity import Quantity
from agent.domain.reading import CheckedReading, Flag
from tests.agent.farm import TANK, alarm, reading

LIMITS = {"out_of_water": out_of_water.Limits()}
OXYGEN, WARMTH, SALT, PH = (
    Sensor(UUID(int=n), TANK, "sonde", quantity.name.lower(), quantity, Span(-100, 100))
    for n, quantity in enumerate(
        (Quantity.DISSOLVED_OXYGEN, Quantity.TEMPERATURE, Quantity.CONDUCTIVITY, Quantity.PH), 31
    )
)
ELSEWHERE = Sensor(UUID(int=39), TANK, "other", "oxygen", Quantity.DISSOLVED_OXYGEN, Span(0, 20))
OUT_S, BACK_S = 600, 1800
Shape = Callable[[float], float]


def in_air(s: float) -> bool:
    return OUT_S <= s < BACK_S


def salt(s: float) -> float:
    return 0.01 if in_air(s) else 12.0


def warmth(s: float) -> float:
    return 20.0 + (4.0 * (1 - exp(-(s - OUT_S) / 90)) if in_air(s) else 0.0)


def made(*sensors: Sensor) -> dict[Sensor, SensorChecks]:
    probes = [Probe("sonde", TANK, "rs485", "any", 1, 5.0, tuple(one for one in sensors if one.probe == "sonde"))]
    probes += [Probe("other", TANK, "rs485", "any", 2, 5.0, (one,)) for one in sensors if one.probe == "other"]
    return farm_checks(probes, dict.fromkeys(sensors, LIMITS))


def run(
    checks: dict[Sensor, SensorChecks], conducts: Shape = salt, warm: Shape = warmth, since: int = 0, until: int = 2400
) -> Iterator[CheckedReading]:
    """Turns of the sonde every five seconds; oxygen is asked before the two that tell."""
    for s in range(since, until, 5):
        values = {OXYGEN: 8.0, WARMTH: warm(s), SALT: conducts(s), PH: 7.0, ELSEWHERE: 8.0}
        for sensor, one in checks.items():
            yield one.check(reading(s, values[sensor], sensor))


def failed_from_to(found: list[CheckedReading], sensor: Sensor) -> tuple[float, float] | None:
    at_s = [one.reading.at.boot_s for one in found if one.reading.sensor is sensor and one.flag is Flag.FAIL]
    return (min(at_s), max(at_s)) if at_s else None


def test_all_readings_of_the_probe_fail_until_it_is_back_and_say_why() -> None:
    found = list(run(made(OXYGEN, WARMTH, SALT, PH, ELSEWHERE)))
    for sensor in (OXYGEN, WARMTH, SALT, PH):
        assert (span := failed_from_to(found, sensor)) is not None
        assert OUT_S + 20 <= span[0] <= OUT_S + 45, "when it has warmed by 1 °C"
        assert BACK_S - 5 <= span[1] <= BACK_S
    assert failed_from_to(found, ELSEWHERE) is None
    said = next(one for one in found if one.flag is Flag.FAIL)
    assert said.because is not None
    assert said.because.startswith("out_of_water: conductivity fell from 12 to 0.01, temperature changed by +1.")
    assert said.because.endswith("the probe is out of the water")
    assert said.quality == 0.2


def dropping(s: float) -> float:
    return 12.0 if s < OUT_S else 0.01


@pytest.mark.parametrize(
    ("conducts", "warm"),
    [
        (salt, lambda s: 20.0),  # a bubble, or a broken cell
        (lambda s: 12.0, warmth),  # warm water is let in
        (lambda s: 12.0 if s < OUT_S else 1.0, warmth),  # and fresh water: still a lot of salt in it
        (dropping, lambda s: 20.0 if s < OUT_S + 900 else 25.0),  # a day later, in the sun
        (lambda s: 0.0, warmth),  # never conducted
    ],
)
def test_either_alone_is_something_else(conducts: Shape, warm: Shape) -> None:
    found = list(run(made(OXYGEN, WARMTH, SALT), conducts, warm))
    assert {one.flag for one in found} <= {Flag.GOOD, Flag.NOT_EVALUATED}


def test_it_does_not_apply_to_a_probe_without_one_of_the_two() -> None:
    assert "out_of_water" not in made(OXYGEN, WARMTH)[OXYGEN].checks
    assert "out_of_water" not in made(OXYGEN, SALT)[OXYGEN].checks
    assert "out_of_water" not in made(OXYGEN, WARMTH, SALT, ELSEWHERE)[ELSEWHERE].checks


def test_in_the_air_no_limit_is_alarmed_or_cleared_but_that_nothing_is_known() -> None:
    low = replace(alarm(AlarmKind.LOW, 9.0, 0.2, 5.0, 10.0), source=OXYGEN)
    lost = replace(alarm(AlarmKind.SENSOR_FAILED, None, 0.0, 60.0, 0.0), source=OXYGEN)
    annunciator = Annunciator([low, lost])
    told = []
    for one in run(made(OXYGEN, WARMTH, SALT)):
        if one.reading.sensor is OXYGEN and one.reading.at.boot_s > OUT_S + 60:
            told += [(change.alarm.kind, change.event.value, change.at.boot_s) for change in annunciator.observe(one)]
    (first, event, at_s), *later = told
    assert (first, event) == (AlarmKind.SENSOR_FAILED, "raised")
    assert at_s <= OUT_S + 130
    assert all(at_s >= BACK_S for _, _, at_s in later), "8 mg/L is too low, in water"
    assert {(kind, event) for kind, event, _ in later} == {
        (AlarmKind.SENSOR_FAILED, "cleared"), (AlarmKind.LOW, "raised"),
    }  # fmt: skip


def test_a_conductivity_that_nobody_knows_any_more_fails_nothing() -> None:
    checks = made(OXYGEN, WARMTH, SALT)
    list(run(checks, until=900))
    alone = {sensor: one for sensor, one in checks.items() if sensor is not SALT}
    found = list(run(alone, since=900, until=2000))
    assert failed_from_to(found, OXYGEN) == (900, 1495)
    assert found[-1].flag is Flag.NOT_EVALUATED


def test_what_it_knows_is_noted_and_taken_up_in_the_midst_of_it() -> None:
    whole = list(run(made(OXYGEN, WARMTH, SALT)))
    first = made(OXYGEN, WARMTH, SALT)
    found = list(run(first, until=1200))
    second = made(OXYGEN, WARMTH, SALT)
    for sensor, one in second.items():
        noted = {name: (basis, json.loads(json.dumps(state))) for name, basis, state in first[sensor].learnt()}
        assert one.restore(noted, 0, 0) == []
    found += list(run(second, since=1200))
    assert found == whole


def test_a_hole_puts_no_probe_back_into_the_water() -> None:
    checks = made(OXYGEN, WARMTH, SALT, PH)
    list(run(checks, until=OUT_S + 100))
    found = list(run(checks, since=OUT_S + 1000))
    for sensor in checks:
        assert failed_from_to(found[len(checks) :], sensor) in [(OUT_S + 1005, BACK_S - 5), (OUT_S + 1005, BACK_S)]
