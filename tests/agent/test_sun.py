"""Where the sun stands, against published values."""

from datetime import UTC, datetime

import pytest

from agent.domain.sun import Place, elevation, sunrise_after


def utc_s(*when: int) -> float:
    return datetime(*when, tzinfo=UTC).timestamp()  # type: ignore[arg-type, misc]


def test_the_elevation_is_that_of_the_published_example() -> None:
    """Reda and Andreas 2004 (NREL, SPA), table A5.1: 39.872046° before refraction, by the exact algorithm."""
    golden = Place(39.742476, -105.1786)
    assert elevation(golden, utc_s(2003, 10, 17, 19, 30, 30)) == pytest.approx(39.872046, abs=0.02)


def test_at_noon_of_an_equinox_it_stands_over_the_equator() -> None:
    assert elevation(Place(0.0, 0.0), utc_s(2024, 3, 20, 12, 7, 0)) == pytest.approx(90, abs=0.6)
    assert elevation(Place(0.0, 180.0), utc_s(2024, 3, 20, 12, 7, 0)) == pytest.approx(-90, abs=0.6)


def test_sunrise_is_that_of_the_almanac_and_none_at_midsummer_beyond_the_polar_circle() -> None:
    london = sunrise_after(Place(51.5, -0.12), utc_s(2024, 6, 21, 0, 0, 0))
    assert london == pytest.approx(utc_s(2024, 6, 21, 3, 43, 0), abs=360)
    tomorrow = sunrise_after(Place(51.5, -0.12), utc_s(2024, 6, 21, 12, 0, 0))
    assert tomorrow == pytest.approx(utc_s(2024, 6, 22, 3, 43, 0), abs=360)
    assert sunrise_after(Place(70.0, 25.0), utc_s(2024, 6, 21, 0, 0, 0)) is None
    assert sunrise_after(Place(80.0, 25.0), utc_s(2024, 12, 21, 0, 0, 0)) is None


@pytest.mark.parametrize("wrong", [(91.0, 0.0), (0.0, 181.0), (float("nan"), 0.0)])
def test_a_place_that_is_nowhere_is_refused(wrong: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="latitude"):
        Place(*wrong)
