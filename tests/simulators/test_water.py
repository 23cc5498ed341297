"""The textbook formulas against the values that their sources print."""

import pytest

from simulators.water import (
    at_25_degrees,
    at_temperature,
    carbonic_pk1,
    conductivity,
    nernst_slope_mv,
    oxygen_saturation,
    salinity,
)


@pytest.mark.parametrize(
    ("celsius", "fresh", "brackish", "sea"),
    [
        (0, 14.621, 13.633, 11.446),
        (10, 11.288, 10.589, 9.024),
        (15, 10.084, 9.484, 8.135),
        (20, 9.092, 8.572, 7.396),
        (25, 8.263, 7.807, 6.772),
        (30, 7.559, 7.155, 6.237),
    ],
)
def test_oxygen_saturation_is_that_of_the_standard_methods(
    celsius: float, fresh: float, brackish: float, sea: float
) -> None:
    found = [oxygen_saturation(celsius, psu) for psu in (0, 10, 35)]
    assert found == pytest.approx([fresh, brackish, sea], abs=6e-4)


def test_thin_air_holds_less_oxygen() -> None:
    assert oxygen_saturation(20, pressure_atm=0.9) == pytest.approx(8.162, abs=6e-4)
    assert oxygen_saturation(25, pressure_atm=700 / 760) == pytest.approx(7.590, abs=6e-4)


@pytest.mark.parametrize(("at_25", "psu"), [(50, 32.737), (30, 18.572), (5, 2.680), (12.88, 7.393), (53.065, 35.0)])
def test_salinity_is_practical_salinity(at_25: float, psu: float) -> None:
    # the values are printed for 25 °C on the scale of 1968
    assert salinity(at_25, 25.0 / 1.00024) == pytest.approx(psu, abs=1e-3)


def test_standard_sea_water_has_its_conductivity() -> None:
    assert conductivity(35.0, 15 / 1.00024) == pytest.approx(42.914, abs=1e-4)


@pytest.mark.parametrize("psu", [0.05, 0.2, 1.9, 2.1, 12.0, 35.0])
def test_conductivity_is_the_inverse_of_salinity(psu: float) -> None:
    assert salinity(conductivity(psu, 13.0), 13.0) == pytest.approx(psu, abs=1e-6)


def test_pure_water_has_no_salt() -> None:
    assert salinity(0.0, 20.0) == pytest.approx(0.0, abs=1e-3)


def test_specific_conductance_is_referred_to_25_degrees() -> None:
    assert at_25_degrees(at_temperature(1.413, 20.0), 20.0) == pytest.approx(1.413)
    assert at_temperature(1413, 20.0) == pytest.approx(1278, abs=1.0)


@pytest.mark.parametrize(("celsius", "mv"), [(0, 54.199), (20, 58.167), (25, 59.159), (30, 60.151), (40, 62.136)])
def test_the_nernst_slope_grows_with_temperature(celsius: float, mv: float) -> None:
    assert nernst_slope_mv(celsius) == pytest.approx(mv, abs=1e-3)


def test_carbonic_acid_has_its_constant() -> None:
    assert carbonic_pk1(25.0) == pytest.approx(6.35, abs=0.01)
