"""Ponds breathe as the mass balance says."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.pond import Pond, PondSettings
from simulators.schedule import Window
from simulators.water import Water

HOUR = 3600.0
DARK_TANK = PondSettings(
    temperature_swing_c=0.0,
    feeding_raises_by=0.0,
    background_respiration_mg_per_l_h=0.0,
    surface_exchange_per_h=0.0,
    aeration_per_h=60.0,
    aeration_saturation_percent=150.0,
)


def oxygen(water: Water) -> float:
    assert water.oxygen_mg_per_l is not None
    return water.oxygen_mg_per_l


def minutes_to_lose(pond: Pond, mg_per_l: float, from_s: float) -> float:
    start = oxygen(pond.at(from_s))
    t_s = from_s
    while oxygen(pond.at(t_s)) > start - mg_per_l:
        t_s += 5.0
    return (t_s - from_s) / 60


@pytest.mark.parametrize(
    ("kg_per_m3", "mg_per_kg_h", "minutes"),
    [
        (20, 200, 75), (20, 300, 50), (20, 500, 30),
        (60, 200, 25), (60, 300, 50 / 3), (60, 500, 10),
        (120, 200, 12.5), (120, 300, 25 / 3), (120, 500, 5),
    ],
)  # fmt: skip
def test_without_aeration_five_mg_per_l_last_as_long_as_the_table_says(
    kg_per_m3: float, mg_per_kg_h: float, minutes: float
) -> None:
    stocked = replace(DARK_TANK, biomass_kg_per_m3=kg_per_m3, respiration_mg_per_kg_h=mg_per_kg_h)
    pond = Pond(stocked, failures=[Window(600.0)])
    assert minutes_to_lose(pond, 5.0, 610.0) == pytest.approx(minutes, rel=0.03)


def test_a_failure_of_the_aeration_is_survived_and_recovered_from() -> None:
    pond = Pond(PondSettings(biomass_kg_per_m3=60, aeration_per_h=15), failures=[Window(600, 1200)])
    before, worst, after = (oxygen(pond.at(t)) for t in (600, 1790, 4800))
    assert worst < 4 < 7 < before
    assert after == pytest.approx(before, abs=0.5)


def test_aeration_can_be_switched_by_hand() -> None:
    pond = Pond(PondSettings(biomass_kg_per_m3=60))
    before = oxygen(pond.at(100))
    pond.aerating = False
    assert oxygen(pond.at(700)) < before - 2
    pond.aerating = True
    assert oxygen(pond.at(7000)) == pytest.approx(before, abs=0.5)


def test_a_pond_with_algae_swings_over_the_day() -> None:
    pond = Pond(
        PondSettings(
            temperature_c=24, temperature_swing_c=2, biomass_kg_per_m3=1, photosynthesis_mg_per_l_h=2.0,
            background_respiration_mg_per_l_h=0.5, aeration_per_h=0, starts_at_hour=0,
        )
    )  # fmt: skip
    day = {hour: pond.at(24 * HOUR + hour * HOUR) for hour in range(24)}
    lowest = min(day, key=lambda hour: oxygen(day[hour]))
    highest = max(day, key=lambda hour: oxygen(day[hour]))
    assert 5 <= lowest <= 8
    assert 14 <= highest <= 18
    assert oxygen(day[highest]) - oxygen(day[lowest]) > 3
    assert (day[highest].ph or 0) > (day[lowest].ph or 0) + 0.3
    assert (day[15].temperature_c or 0) > (day[3].temperature_c or 0) + 2


def test_feeding_makes_fish_breathe_more() -> None:
    pond = Pond(PondSettings(feeding_hours=(12.0,), temperature_swing_c=0))
    assert pond.respiration(4.2 * HOUR) > 1.2 * pond.respiration(2.9 * HOUR)


def test_a_seed_decides_the_course() -> None:
    times = [0.0, 1.0, 500.0, 90_000.0]
    assert [Pond(seed=3).at(t) for t in times] == [Pond(seed=3).at(t) for t in times]
    assert Pond(seed=3).at(90_000.0) != Pond(seed=4).at(90_000.0)


def test_the_way_there_does_not_matter() -> None:
    often, once = Pond(seed=1), Pond(seed=1)
    for t in range(0, 5000, 7):
        often.at(t)
    assert often.at(5000.0) == once.at(5000.0)


@settings(max_examples=25)
@given(
    biomass=st.floats(0, 400),
    breath=st.floats(0, 1000),
    salt=st.floats(0, 40),
    celsius=st.floats(2, 34),
    t_s=st.floats(0, 6 * HOUR),
)
def test_no_pond_leaves_the_possible(biomass: float, breath: float, salt: float, celsius: float, t_s: float) -> None:
    pond = Pond(
        PondSettings(
            temperature_c=celsius, salinity_psu=salt, biomass_kg_per_m3=biomass, respiration_mg_per_kg_h=breath
        ),
        failures=[Window(600, 1200, 3600)],
    )
    water = pond.at(t_s)
    assert 0 <= oxygen(water) < 25
    assert water.ph is not None
    assert 4.5 < water.ph < 10.5
    assert water.conductivity_ms_per_cm is not None
    assert 0 <= water.conductivity_ms_per_cm < 75
