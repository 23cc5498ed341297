"""Sensors that are computed: on their way through the house like any other, and never an invented value."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from agent import config
from agent.checks import gross_range, timing
from agent.checks.sensor_checks import SensorChecks, farm_checks
from agent.config import ConfigError
from agent.derivation import FORMULAS
from agent.domain import water
from agent.domain.alarm import Alarm, AlarmChange, AlarmKind, Priority
from agent.domain.farm import Compensation, Derived, Sensor, Span
from agent.domain.quantity import Quantity
from agent.domain.reading import CheckedReading, Flag
from agent.pipeline import Pipeline
from tests.agent.farm import OXYGEN, PROBE, TANK, WARMTH, reading
from tests.agent.gateway_file import right, write

PERCENT = Sensor(UUID(int=21), TANK, "derived", "saturation", Quantity.DISSOLVED_OXYGEN_SATURATION, None)
SATURATION = Derived(
    PERCENT,
    "oxygen_saturation",
    {"oxygen": Compensation(OXYGEN, 60), "temperature": Compensation(WARMTH, 60), "salinity": 0.0, "kpa": 101.325},
    OXYGEN,
    5.0,
)
LOW = Alarm(PERCENT, AlarmKind.LOW, Priority.WARNING, 60.0, 2.0, 0.0, 0.0)


class House:
    """A pipeline that computes the saturation, and what came of it."""

    def __init__(self, *derived: Derived, limits: dict[str, Any] | None = None) -> None:
        self.kept: list[CheckedReading] = []
        self.told: list[AlarmChange] = []
        checks = {OXYGEN: SensorChecks({"gross_range": gross_range.Limits(Span(0, 20), Span(0, 15))})}
        checks |= {WARMTH: SensorChecks({"gross_range": gross_range.Limits(Span(-5, 50), Span(0, 30))})}
        checks |= {one.sensor: SensorChecks(limits or {}) for one in derived}
        self.pipeline = Pipeline(checks, [LOW], self.keep, self.told.extend, derived)

    def keep(self, readings: Iterable[CheckedReading], changes: Sequence[AlarmChange]) -> None:
        self.kept += readings

    def hears(self, at_s: float, oxygen: float | None = None, warmth: float | None = None) -> CheckedReading:
        """One turn of the probe; what is computed then."""
        self.pipeline.take_in([reading(at_s, oxygen), reading(at_s, warmth, WARMTH)])
        return self.kept[-1]


def test_the_saturation_of_a_probe_that_knows_mg_per_l_only() -> None:
    house = House(SATURATION)
    found = house.hears(5, 9.092, 20.0)
    assert found.reading.sensor is PERCENT
    assert found.reading.value == pytest.approx(100.0, abs=0.01)
    assert (found.flag, found.reading.at.boot_s) == (Flag.NOT_EVALUATED, 5)
    assert house.pipeline.latest[PERCENT] is found
    assert house.told == []
    house.hears(10, 4.5, 20.0)
    assert [(change.alarm, change.standing.active) for change in house.told] == [(LOW, True)]


def test_it_is_checked_like_any_sensor() -> None:
    found = House(SATURATION, limits={"gross_range": gross_range.Limits(None, Span(0, 90))}).hears(0, 9.092, 20.0)
    assert found.flag is Flag.SUSPECT
    assert "outside what this water should show" in (found.because or "")


@pytest.mark.parametrize(
    ("oxygen", "warmth", "because"),
    [
        (None, 20.0, "tank-1/do-1/oxygen has no good value: no reply in 0.5 s"),
        (8.0, None, "tank-1/do-1/temperature has no good value: no reply in 0.5 s"),
        (99.0, 20.0, "tank-1/do-1/oxygen has no good value: gross_range: 99 is outside what the sensor can measure"),
        (8.0, -0.7, "oxygen_saturation cannot be computed: a temperature of -0.7 °C is outside 0 to 40 °C"),
    ],
)
def test_without_a_good_value_there_is_the_reason(oxygen: float | None, warmth: float | None, because: str) -> None:
    found = House(SATURATION).hears(0, oxygen, warmth)
    assert (found.reading.value, found.flag, found.quality) == (None, Flag.MISSING, 0.0)
    assert (found.because or "").startswith(because)


def test_a_value_that_is_too_old_counts_no_more() -> None:
    house = House(SATURATION)
    house.pipeline.take_in([reading(0, 20.0, WARMTH)])
    assert house.kept[-1].reading.sensor is WARMTH, "nothing is computed before its driver is read"
    house.pipeline.take_in([reading(60, 8.0)])
    assert house.kept[-1].reading.value is not None
    house.pipeline.take_in([reading(61, 8.0)])
    assert house.kept[-1].because == "the value of tank-1/do-1/temperature is 61 s old"


def test_an_input_that_was_never_read_is_no_zero() -> None:
    house = House(SATURATION)
    house.pipeline.take_in([reading(0, 8.0)])
    assert house.kept[-1].because == "tank-1/do-1/temperature was not read yet"


def test_what_is_computed_from_a_suspect_value_is_suspect() -> None:
    found = House(SATURATION).hears(0, 16.0, 20.0)
    assert (found.flag, found.quality) == (Flag.SUSPECT, 0.5)
    assert "tank-1/do-1/oxygen: gross_range: 16 is outside" in (found.because or "")
    assert found.reading.value == pytest.approx(176, abs=0.1)


def test_one_may_build_on_another() -> None:
    back = Sensor(UUID(int=22), TANK, "derived", "oxygen", Quantity.DISSOLVED_OXYGEN, None)
    inputs = {"saturation": Compensation(PERCENT, 60), **dict(list(SATURATION.inputs.items())[1:])}
    house = House(SATURATION, Derived(back, "oxygen_concentration", inputs, PERCENT, 5.0))
    assert house.hears(0, 8.1, 20.0).reading == replace_value(reading(0, 8.1, back), house.kept[-1])


def replace_value(expected: Any, found: CheckedReading) -> Any:
    assert found.reading.value == pytest.approx(expected.value, abs=1e-12)
    return expected._replace(value=found.reading.value)


def test_its_checks_know_how_often_it_comes() -> None:
    limits: dict[Sensor, dict[str, Any]] = {OXYGEN: {}, WARMTH: {}, PERCENT: {"timing": timing.Limits(60.0)}}
    checks = farm_checks([PROBE], limits, [replace(SATURATION, period_s=7.0)])
    assert checks[PERCENT].checks["timing"].surroundings.period_s == 7.0


@pytest.mark.parametrize(
    ("formula", "values", "expected"),
    [
        ("oxygen_saturation", (9.092, 20.0, 0.0, 101.325), 100.0),
        ("oxygen_concentration", (100.0, 20.0, 0.0, 91.1925), 8.162),
        ("salinity", (50.0, 25.0), 32.733),
        ("specific_conductance", (11.67, 20.0), 12.90),
        ("ammonia_fraction", (8.0, 25.0), 5.366),
    ],
)
def test_each_formula_is_that_of_the_water(formula: str, values: tuple[float, ...], expected: float) -> None:
    found = FORMULAS[formula]
    assert len(values) == len(found.inputs) + len(found.constants)
    assert found.compute(*values) == pytest.approx(expected, rel=5e-4)


def chosen(**changes: Any) -> dict[str, Any]:
    """A right gateway.toml with a derived sensor, and some of its keys changed."""
    inputs = {"oxygen": "do-1/dissolved_oxygen", "temperature": "do-1/temperature", "salinity": 0}
    table = {"tank": "tank-1", "name": "saturation", "formula": "oxygen_saturation", "inputs": inputs}
    return right() | {"derived": [table | changes]}


def test_it_is_configured_like_a_sensor(tmp_path: Path) -> None:
    document = chosen()
    document["tanks"][0]["limits"] = {"DissolvedOxygenSaturation": {"low": 70.0}}
    gateway = config.load(write(tmp_path, document))
    (one,) = gateway.derived
    assert str(one.sensor) == "tank-1/derived/saturation"
    assert one.inputs["salinity"] == 0.0
    assert one.inputs["pressure_kpa"] == 101.325
    oxygen = one.inputs["oxygen"]
    assert isinstance(oxygen, Compensation)
    assert (str(oxygen.sensor), oxygen.max_age_s) == ("tank-1/do-1/dissolved_oxygen", 60)
    assert one.driver is oxygen.sensor
    assert one.sensor in gateway.checks
    assert {alarm.kind for alarm in gateway.alarms if alarm.source is one.sensor} == {
        AlarmKind.LOW,
        AlarmKind.NO_VALID_DATA,
        AlarmKind.SENSOR_FAILED,
        AlarmKind.ANOMALY,
        AlarmKind.PROBE_DRIFT,
    }


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"formula": "saturation"}, 'derived[0].formula = "saturation"\n    wrong:  is no formula'),
        ({"tank": "tank-9"}, "there is no such entry in [[tanks]]"),
        ({"inputs": {"oxygen": "do-1/dissolved_oxygen", "temperature": 20}}, "derived[0].inputs.salinity\n"),
        ({"inputs": {"oxygen": 8.0, "temperature": 20, "salinity": 0}}, "derived[0].inputs.oxygen = 8.0"),
        (
            {"inputs": {"oxygen": "do-1/temperature", "temperature": 20, "salinity": 0}},
            'that measures Temperature\n    remedy: write "probe/sensor" for DissolvedOxygen (do-1/dissolved_oxygen)',
        ),
        (
            {"inputs": {"oxygen": "do-1/dissolved_oxygen", "temperature": 20, "salinity": 0, "depth": 1}},
            "oxygen_saturation takes no depth",
        ),
    ],
)
def test_mistakes_are_told(tmp_path: Path, changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config.load(write(tmp_path, chosen(**changes)))
    assert told in str(caught.value)
    assert len(caught.value.problems) == 1


def test_two_of_a_name_are_a_mistake_and_a_wrong_probe_is_told_once(tmp_path: Path) -> None:
    twice = chosen()
    twice["derived"] *= 2
    with pytest.raises(ConfigError, match=r"another .* has this name"):
        config.load(write(tmp_path, twice))
    broken = chosen()
    broken["probes"][0]["profile"] = "nonsense"
    with pytest.raises(ConfigError) as caught:
        config.load(write(tmp_path, broken))
    assert [problem.key for problem in caught.value.problems] == ["probes[0].profile"]


def test_no_probe_may_take_the_name(tmp_path: Path) -> None:
    document = right()
    document["probes"][0]["name"] = "derived"
    with pytest.raises(ConfigError, match="is taken"):
        config.load(write(tmp_path, document))


def test_the_formulas_are_those_of_the_twins_own_textbook() -> None:
    """Two texts of the same sources, written apart: the simulators' and ours."""
    from simulators import water as twins

    for t in (0.5, 12.0, 24.0, 33.0):
        for psu in (0.0, 1.2, 20.0, 36.0):
            assert water.oxygen_saturation(t, psu, 0.95) == pytest.approx(twins.oxygen_saturation(t, psu, 0.95))
            assert water.salinity(twins.conductivity(psu, t), t) == pytest.approx(psu, abs=1e-6)
