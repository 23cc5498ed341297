"""Steps that another sensor of the tank does not see."""

from collections.abc import Mapping
from uuid import UUID

import pytest

from agent.checks import CHECKS, multi_variate, neighbour, spike
from agent.checks.sensor_checks import SensorChecks, farm_checks
from agent.domain.farm import Probe, Sensor, Span, Tank
from agent.domain.quantity import Quantity
from agent.domain.reading import Flag
from tests.agent.farm import PROBE, TANK, reading

PH = Sensor(UUID(int=21), TANK, "ph-1", "ph", Quantity.PH, Span(0, 14))
TWIN = Sensor(UUID(int=22), TANK, "ph-2", "ph", Quantity.PH, Span(0, 14))
ELSEWHERE = Sensor(UUID(int=23), Tank("tank-2", UUID(int=2)), "ph-1", "ph", Quantity.PH, Span(0, 14))
OXYGEN = PROBE.sensors[0]
NEIGHBOUR: dict[str, object] = {"neighbour": neighbour.Limits(0.3, 0.1, 600.0)}
ALONG = {"multi_variate": multi_variate.Limits("DissolvedOxygen", 0.3, 0.5, 600.0)}


def probe(sensor: Sensor) -> Probe:
    return Probe(sensor.probe, sensor.tank, "rs485", "any", 1, 30.0, (sensor,))


def pair(limits: Mapping[str, object], first: Sensor = PH, second: Sensor = TWIN) -> tuple[SensorChecks, SensorChecks]:
    """The checks of both; only the first has limits."""
    checks = farm_checks([probe(first), probe(second)], {first: limits, second: {}})
    return checks[first], checks[second]


def said(ours: SensorChecks, theirs: SensorChecks, our: list[float], their: list[float], name: str) -> str:
    """Our digits, polled every 30 s, the first one before the second."""
    digits = ""
    for n, (a, b) in enumerate(zip(our, their, strict=True)):
        digits += ours.check(reading(n * 30.0, a)).tests[list(CHECKS).index(name)]
        theirs.check(reading(n * 30.0 + 0.2, b))
    return digits


def step(height: float, at: int = 30, count: int = 70) -> list[float]:
    return [7.0 + (height if n >= at else 0.0) + n % 3 / 100 for n in range(count)]


def test_a_step_that_the_neighbour_sees_is_water() -> None:
    assert set(said(*pair(NEIGHBOUR), step(0.5), step(0.4), "neighbour")[31:]) == {"1"}


def test_a_step_that_the_neighbour_does_not_see_is_our_probe_until_it_lasts() -> None:
    digits = said(*pair(NEIGHBOUR), step(0.5), step(0.0), "neighbour")
    assert digits[:30] == "2" + "1" * 29
    assert digits[30] == "2", "the neighbour has not been asked since"
    assert set(digits[31:50]) == {"3"}
    assert set(digits[53:]) == {"1"}, "after ten minutes it is how things are"


def test_the_one_that_stood_still_is_not_in_doubt() -> None:
    moved, still = pair(NEIGHBOUR, TWIN, PH)
    assert set(said(moved, still, step(0.0), step(0.5), "neighbour")) <= {"1", "2"}


def test_a_lone_spike_is_no_step() -> None:
    values = step(0.0)
    values[30] = 9.0
    with_spikes = NEIGHBOUR | {"spike": spike.Limits(0.1, 0.3)}
    assert set(said(*pair(with_spikes), values, step(0.0), "neighbour")) == {"1", "2"}


def test_a_neighbour_that_says_nothing_decides_nothing() -> None:
    ours, theirs = pair(NEIGHBOUR)
    for n in range(20):
        theirs.check(reading(n * 30.0, 7.0))
    place = list(CHECKS).index("neighbour")
    digits = "".join(ours.check(reading(n * 30.0, value)).tests[place] for n, value in enumerate(step(0.5)))
    assert set(digits[30:48]) == {"2"}


def test_what_does_not_move_along_is_said_by_name() -> None:
    ours, theirs = pair(ALONG, PH, OXYGEN)
    said(ours, theirs, step(0.5, count=35), [8.0] * 35, "multi_variate")
    checked = ours.check(reading(35 * 30.0, 7.5))
    assert checked.flag is Flag.SUSPECT
    assert checked.quality == 0.5
    assert checked.because is not None
    assert checked.because.startswith("multi_variate: changed by +0.5 in 10 min while do-1/oxygen stood still")
    assert set(said(*pair(ALONG, PH, OXYGEN), step(0.5), step(0.6), "multi_variate")) == {"1", "2"}


@pytest.mark.parametrize("other", [OXYGEN, ELSEWHERE])
def test_without_such_a_sensor_in_the_tank_the_check_is_off(other: Sensor) -> None:
    ours, _ = pair(NEIGHBOUR, PH, other)
    assert "neighbour" not in ours.checks
