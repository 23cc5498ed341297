"""The formulas of water against published values."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.domain import water

BY_SALINITY = {
    0: (14.621, 13.633, 11.446),
    10: (11.288, 10.589, 9.024),
    15: (10.084, 9.484, 8.135),
    20: (9.092, 8.572, 7.396),
    25: (8.263, 7.807, 6.772),
    30: (7.559, 7.155, 6.237),
}


@pytest.mark.parametrize("temperature_c", BY_SALINITY)
def test_oxygen_saturation_is_that_of_standard_methods(temperature_c: float) -> None:
    """The table of APHA 4500-O at 0, 10 and 35 PSU."""
    found = [water.oxygen_saturation(temperature_c, psu) for psu in (0, 10, 35)]
    assert found == pytest.approx(BY_SALINITY[int(temperature_c)], abs=6e-4)


def test_oxygen_saturation_falls_with_the_height_of_the_farm() -> None:
    assert water.oxygen_saturation(20, 0, 0.9) == pytest.approx(8.162, abs=5e-4)
    assert water.oxygen_saturation(25, 0, 700 / 760) == pytest.approx(7.590, abs=5e-4)


def test_oxygen_solubility_is_that_of_garcia_and_gordon() -> None:
    """The check value printed in the paper."""
    assert water.oxygen_solubility(10, 35) == pytest.approx(274.610, abs=5e-4)


@given(st.floats(0, 40), st.floats(0, 40))
def test_both_formulas_for_oxygen_agree(temperature_c: float, psu: float) -> None:
    """Within what the density of water makes uncertain when it is taken as that of fresh or of sea water."""
    mg_per_kg = water.oxygen_solubility(temperature_c, psu) * 31.9988e-3
    assert 0.985 < water.oxygen_saturation(temperature_c, psu) / mg_per_kg < 1.035


@given(st.floats(0, 30), st.floats(0, 40), st.floats(0, 40), st.floats(0.5, 1.1))
def test_mg_per_l_and_percent_go_back_and_forth(mg_per_l: float, t: float, psu: float, atm: float) -> None:
    percent = water.oxygen_percent(mg_per_l, t, psu, atm)
    assert water.oxygen_mg_per_l(percent, t, psu, atm) == pytest.approx(mg_per_l, abs=1e-9)


@pytest.mark.parametrize(
    ("ms_per_cm", "temperature_c", "psu"),
    [
        (42.914, 15, 35.0),
        (53.065, 25, 35.0),
        (50, 25, 32.737),
        (30, 25, 18.572),
        (12.88, 25, 7.393),
        (5, 25, 2.680),
    ],
)
def test_salinity_is_that_of_pss_78(ms_per_cm: float, temperature_c: float, psu: float) -> None:
    """Values for temperatures of the scale of 1968."""
    assert water.salinity(ms_per_cm, temperature_c / 1.00024) == pytest.approx(psu, abs=6e-4)


def test_fresh_water_has_next_to_no_salinity() -> None:
    assert water.salinity(0, 20) == pytest.approx(0, abs=1e-6)
    assert water.salinity(0.5, 20) == pytest.approx(0.267, abs=2e-3)


@pytest.mark.parametrize(("ms_per_cm", "t90", "psu"), [(42.914, 15, 34.99677), (30, 25, 18.56995), (5, 25, 2.67960)])
def test_salinity_is_that_of_teos_10_s_library(ms_per_cm: float, t90: float, psu: float) -> None:
    """`gsw.SP_from_C` (gsw 3.6) for temperatures as thermometers show them today."""
    assert water.salinity(ms_per_cm, t90) == pytest.approx(psu, abs=1e-5)


@given(st.floats(0, 60), st.floats(0, 60), st.floats(-2, 35))
def test_more_conductivity_is_more_salinity(a: float, b: float, temperature_c: float) -> None:
    low, high = sorted((a, b))
    try:
        upper = water.salinity(high, temperature_c)
    except ValueError:
        return  # beyond 42 PSU
    assert water.salinity(low, temperature_c) <= upper + 1e-3  # the two formulas meet at 2 PSU with a step of that size


def test_specific_conductance_undoes_what_the_temperature_does_to_a_standard() -> None:
    """Standards of 1413 µS/cm and 12.88 mS/cm at 25 °C, as a maker's table has them at 20 °C."""
    assert water.specific_conductance(1278, 20) == pytest.approx(1413, rel=1e-3)
    assert water.specific_conductance(11.67, 20) == pytest.approx(12.88, rel=3e-3)
    assert water.specific_conductance(7.5, 25) == 7.5


@pytest.mark.parametrize(
    ("ph", "temperature_c", "fraction"),
    [(7, 25, 0.00564), (8, 25, 0.05366), (8.5, 25, 0.15205), (9, 25, 0.36186), (8, 20, 0.03807), (8, 10, 0.01822)],
)
def test_ammonia_is_that_of_emerson(ph: float, temperature_c: float, fraction: float) -> None:
    assert water.ammonia_fraction(ph, temperature_c) == pytest.approx(fraction, abs=6e-6)


def test_the_nernst_slope_grows_with_temperature() -> None:
    found = [water.nernst_slope(t) for t in (0, 20, 25, 30, 40)]
    assert found == pytest.approx([54.199, 58.167, 59.159, 60.151, 62.136], abs=6e-4)


@pytest.mark.parametrize(
    ("outside", "named"),
    [
        (lambda: water.oxygen_saturation(-0.1), "temperature of -0.1 °C is outside 0 to 40 °C"),
        (lambda: water.oxygen_saturation(20, 41), "salinity of 41 PSU is outside 0 to 40 PSU"),
        (lambda: water.oxygen_saturation(20, 0, 1013), "pressure of 1013 atm is outside 0.5 to 1.1 atm"),
        (lambda: water.oxygen_percent(-0.01, 20), "oxygen of -0.01 mg/L"),
        (lambda: water.oxygen_mg_per_l(math.nan, 20), "oxygen of nan %"),
        (lambda: water.oxygen_solubility(40.1, 0), "temperature of 40.1 °C"),
        (lambda: water.salinity(50, 36), "temperature of 36 °C is outside -2 to 35 °C"),
        (lambda: water.salinity(80, 25), "salinity of"),
        (lambda: water.salinity(-1, 25), "conductivity of -1 mS/cm"),
        (lambda: water.specific_conductance(1, 41), "temperature of 41 °C"),
        (lambda: water.ammonia_fraction(14.5, 20), "pH of 14.5 is outside 0 to 14"),
        (lambda: water.nernst_slope(101), "temperature of 101 °C"),
    ],
)
def test_outside_its_range_no_formula_gives_a_number(outside: Callable[[], float], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        outside()
