"""Between water and register: lag, dead time, noise, resolution, and values that lie."""

import statistics

import pytest

from simulators.faults import Fault, Faults
from simulators.probe import Sense, Senses
from simulators.schedule import Window
from simulators.water import Water
from tests.simulators.stage import HandClock, StillWater


def senses_of(sense: Sense, faults: Faults | None = None) -> tuple[Senses, StillWater, HandClock]:
    source, clock = StillWater(Water(oxygen_mg_per_l=8.0, oxygen_percent=80.0)), HandClock()
    if faults is not None:
        faults.now_s = lambda: clock.real_s
    return Senses({"oxygen": sense}, source, clock, faults), source, clock


def test_a_slow_probe_has_two_thirds_of_a_step_after_its_time_constant() -> None:
    senses, source, clock = senses_of(Sense("oxygen_mg_per_l", tau_s=9.0))
    assert senses.read("oxygen") == 8.0
    source.water = Water(oxygen_mg_per_l=0.0)
    clock.now_s += 9.0
    assert senses.read("oxygen") == pytest.approx(8.0 * 0.368, abs=0.01)
    clock.now_s += 12.0
    assert senses.read("oxygen") == pytest.approx(8.0 * 0.097, abs=0.01)


def test_noise_is_white_and_repeatable() -> None:
    def series() -> list[float]:
        senses, _, clock = senses_of(Sense("oxygen_mg_per_l", noise=0.01))
        values = []
        for _ in range(500):
            clock.now_s += 1
            values.append(senses.read("oxygen") or 0.0)
        return values

    assert series() == series()
    assert statistics.stdev(series()) == pytest.approx(0.01, rel=0.1)


def test_between_updates_the_value_repeats() -> None:
    senses, source, clock = senses_of(Sense("oxygen_mg_per_l", update_s=2.0))
    senses.read("oxygen")
    source.water = Water(oxygen_mg_per_l=7.0)
    clock.now_s += 1.9
    assert senses.read("oxygen") == 8.0
    clock.now_s += 0.2
    assert senses.read("oxygen") == 7.0


def test_resolution_rounds() -> None:
    senses, source, _ = senses_of(Sense("oxygen_mg_per_l", resolution=0.1))
    source.water = Water(oxygen_mg_per_l=7.777)
    assert senses.read("oxygen") == pytest.approx(7.8)


def test_a_hole_in_the_water_is_no_value_and_ends() -> None:
    senses, source, clock = senses_of(Sense("oxygen_mg_per_l", tau_s=5.0))
    source.water = Water()
    clock.now_s += 1
    assert senses.read("oxygen") is None
    source.water = Water(oxygen_mg_per_l=6.0)
    clock.now_s += 1
    assert senses.read("oxygen") == 6.0


def test_a_stuck_probe_keeps_its_value_whatever_the_water_does() -> None:
    senses, source, clock = senses_of(Sense("oxygen_mg_per_l"), Faults())
    senses.read("oxygen")
    senses.faults.stuck = True
    source.water = Water(oxygen_mg_per_l=1.0)
    clock.now_s += 100
    assert senses.read("oxygen") == 8.0
    senses.faults.stuck = False
    assert senses.read("oxygen") == 1.0


def test_a_spike_shows_in_what_is_derived_too() -> None:
    senses, _, _ = senses_of(Sense("oxygen_mg_per_l"), Faults(spike=2.0))
    assert senses.read("oxygen") == 10.0
    assert senses.along("oxygen_percent", "oxygen") == pytest.approx(100.0)


def test_a_drift_grows_from_when_it_was_switched_on() -> None:
    senses, _, clock = senses_of(Sense("oxygen_mg_per_l"), Faults())
    clock.now_s = 600
    senses.faults.drift_per_min = -0.5
    assert senses.read("oxygen") == 8.0
    clock.now_s += 120
    assert senses.read("oxygen") == pytest.approx(7.0)


def test_a_scheduled_drift_grows_in_its_window_and_starts_over() -> None:
    drift = Fault("drift", Window(60, 60, 120), 0.5)
    senses, _, clock = senses_of(Sense("oxygen_mg_per_l"), Faults(scheduled=[drift]))
    values = {}
    for now in (0, 60, 90, 119, 121, 181, 210):
        clock.now_s = now
        values[now] = senses.read("oxygen")
    assert values == pytest.approx({0: 8, 60: 8, 90: 8.25, 119: 8.4917, 121: 8, 181: 8.0083, 210: 8.25}, abs=1e-3)


@pytest.mark.parametrize(
    ("now", "began"), [(0, None), (10, 10), (14.9, 10), (15, None), (39, None), (40, 40), (71, 70), (76, None)]
)
def test_a_window_comes_again(now: float, began: float | None) -> None:
    assert Window(10, 5, 30).began(now) == began


def test_a_window_without_an_end_stays() -> None:
    assert Window(10).began(1e6) == 10
    assert Window(10, 5).scaled(30) == Window(300, 150)
