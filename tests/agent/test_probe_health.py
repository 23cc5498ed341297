"""A probe's evidence against its limits, and the sentence that comes of it."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.domain.quantity import Quantity
from agent.scores.evidence import ACT, GOOD, UNKNOWN, Seen, Upkeep
from agent.scores.probe import WEIGHT, probe_health
from agent.scores.probe_limits import Limits, limits_of
from agent.scores.since_calibration import DAY_US, SinceCalibration

PH = Seen(
    "ph", Quantity.PH, limits_of(Quantity.PH), hours=24, readings=1000, valued=1000, noise=0.01, noise_then=0.01,
    response_s=15.0, response_then_s=14.0, pair_flag=1,
)  # fmt: skip
OXYGEN = replace(PH, channel="oxygen", quantity=Quantity.DISSOLVED_OXYGEN, limits=limits_of(Quantity.DISSOLVED_OXYGEN))
KEPT = Upkeep(calibrated_days=5.0, cap_days=100.0)
IDEAL = {"acid_slope_percent": 99.7, "base_slope_percent": 100.3, "zero_offset_mv": -0.89}


def advice(seen: Seen = PH, upkeep: Upkeep = KEPT, **condition: Any) -> str | None:
    return probe_health("pH-2", [seen], upkeep, IDEAL | condition).advice


def test_a_probe_of_which_all_is_good_wants_nothing() -> None:
    for seen in (PH, OXYGEN):
        found = probe_health("pH-2", [seen], KEPT, IDEAL)
        assert (found.state, found.advice) == (GOOD, None)
        assert {one.state for one in found.evidence} == {GOOD}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"valued": 899, "missing_because": "no reply"}, "check its power, cable and address: 10% of a day's ph are"),
        ({"stuck": 310}, "clean it, and replace it if that does not help: its ph stood still for 31% of a day"),
        ({"noise": 0.042}, "look for bubbles, a loose plug or a bad earth: ph 4.2× noisier than after calibration"),
        ({"response_s": 43.4}, "clean the junction, response 3.1× slower than after calibration"),
        ({"response_s": 121.0, "response_then_s": 60.0}, "clean the junction, it takes 121 s to follow"),
        ({"response_s": 121.0, "response_then_s": None}, "clean the junction, it takes 121 s to follow"),
        ({"pair_flag": 3}, "check it and its pair in a standard: their ph drifts apart"),
    ],
)
def test_beyond_its_limit_each_evidence_says_what_to_do(changes: dict[str, Any], told: str) -> None:
    assert str(advice(replace(PH, **changes))).startswith(f"pH-2: {told}")


@pytest.mark.parametrize(
    "changes",
    [{"valued": 900}, {"stuck": 100}, {"noise": 0.03}, {"response_s": 42.0}, {"noise_then": 0.0001, "noise": 0.03}],
)
def test_at_its_limit_it_is_still_good(changes: dict[str, Any]) -> None:
    assert advice(replace(PH, **changes)) is None


@pytest.mark.parametrize(
    ("slope", "told"),
    [
        (106, "calibrate the electrode with fresh buffers: slope 106 % of Nernst"),
        (105, None),
        (95, None),
        (94.4, "clean the electrode and calibrate it: slope 94 % of Nernst"),
        (89, "service the electrode: slope 89 % of Nernst"),
        (84, "replace the electrode: slope 84 % of Nernst"),
    ],
)
@pytest.mark.parametrize("side", ["acid_slope_percent", "base_slope_percent"])
def test_the_slope_is_judged_by_its_worse_side(slope: float, told: str | None, side: str) -> None:
    assert probe_health("pH-2", [PH], KEPT, IDEAL | {side: slope}).advice == (told and f"pH-2: {told}")


@pytest.mark.parametrize(("offset", "acts"), [(30, False), (-30, False), (31, True), (-31, True)])
def test_a_zero_that_is_off_by_thirty_millivolts_is_still_good(offset: float, acts: bool) -> None:
    assert advice(zero_offset_mv=offset) == (
        f"pH-2: clean the junction and calibrate: zero off by {offset:+d} mV" if acts else None
    )


def test_ages_count_from_what_was_logged() -> None:
    assert advice(upkeep=Upkeep(31.0)) == "pH-2: calibrate it: last done 31 days ago"
    assert advice(OXYGEN, Upkeep(31.0, 366.0)) == "pH-2: replace the cap: it is 366 days old"
    assert advice(upkeep=Upkeep(31.0), seen=replace(PH, limits=Limits(calibration_age_days=60.0))) is None


def test_of_several_the_most_urgent_gives_the_sentence_and_all_are_told() -> None:
    bad = replace(PH, stuck=500, response_s=500.0, pair_flag=4)
    found = probe_health("pH-2", [bad], Upkeep(99.0), {"zero_offset_mv": 80.0})
    acts = [one.what for one in found.evidence if one.state == ACT]
    assert sorted(acts, key=WEIGHT.index) == ["stuck", "offset", "response", "pair_drift", "calibration_age"]
    assert str(found.advice).startswith("pH-2: clean it, and replace it")


def test_what_is_not_known_is_never_good() -> None:
    nothing = [
        Seen("ph", Quantity.PH, limits_of(Quantity.PH)),
        Seen("o", Quantity.DISSOLVED_OXYGEN, Limits(), pair_flag=2),
    ]
    found = probe_health("pH-2", nothing, Upkeep(), {"last_restart": "powered off"})
    assert (found.state, found.advice) == (UNKNOWN, None)
    assert {one.what for one in found.evidence} == set(WEIGHT)
    for one in found.evidence:
        assert (one.value, one.state) == (None, UNKNOWN)
        assert one.because
    assert probe_health("pH-2", [], Upkeep(), {}).state == UNKNOWN


FEW, TIMES = st.none() | st.floats(0, 1e4), st.none() | st.floats(0.1, 600)


@given(st.integers(0, 50), st.integers(0, 50), FEW, FEW, TIMES, TIMES, st.sampled_from([None, 1, 2, 3, 4, 9]), FEW)
def test_whatever_is_seen_a_value_stands_where_it_is_judged_and_a_reason_where_not(
    readings: int, valued: int, noise: float | None, then: float | None, t90_s: float | None, t90_then_s: float | None,
    flag: int | None, days: float | None,
) -> None:  # fmt: skip
    seen = replace(
        PH, readings=readings, valued=min(readings, valued), stuck=min(readings, valued) // 3, noise=noise,
        noise_then=then, response_s=t90_s, response_then_s=t90_then_s, pair_flag=flag,
    )  # fmt: skip
    found = probe_health("pH-2", [seen], Upkeep(days), {})
    for one in found.evidence:
        assert (one.value is None) == (one.state == UNKNOWN)
        assert (one.because is None) == (one.state == GOOD)
    assert (found.advice is None) == (found.state != ACT)


@pytest.mark.parametrize(
    ("hours", "missing", "state"), [(17, 0, GOOD), (16, 0, UNKNOWN), (2, 500, ACT), (1, 500, UNKNOWN)]
)
def test_good_takes_most_of_a_day_and_bad_two_hours(hours: int, missing: int, state: str) -> None:
    seen = replace(PH, hours=hours, valued=1000 - missing)
    assert probe_health("pH-2", [seen], KEPT, IDEAL).state == state
    stuck = replace(PH, hours=hours, stuck=missing)
    assert probe_health("pH-2", [stuck], KEPT, IDEAL).state == state


def test_the_first_steps_after_a_calibration_are_what_later_ones_are_measured_by() -> None:
    learnt = SinceCalibration(since_us=0, upto_us=0)
    for n, t90_s in enumerate((10.0, 12.0), 1):
        learnt.follows(n, t90_s)
    assert (learnt.response_then_s, learnt.response_s) == (None, None)
    learnt.follows(2, 99.0)  # seen before
    learnt.follows(3, 99.0)
    assert (learnt.response_then_s, learnt.response_s) == (12.0, 12.0)
    for n, t90_s in enumerate((40.0, 40.0), 4):
        learnt.follows(n, t90_s)
    assert (learnt.response_then_s, learnt.response_s) == (12.0, 40.0)


def test_a_calibration_of_a_slow_probe_does_not_make_it_a_good_one_but_a_new_electrode_does() -> None:
    learnt = SinceCalibration(since_us=0, upto_us=0, first=[10.0, 12.0, 11.0], last=[50.0, 50.0, 50.0], noise=0.1)
    learnt.begin_anew(100, None)
    learnt.begin_anew(100, None)
    assert (learnt.first, learnt.last, learnt.noise) == ([], [], None)
    learnt.follows(50, 3.0)  # before the calibration
    for n in (101, 102, 103):
        learnt.follows(n, 50.0)
    assert (learnt.response_then_s, learnt.response_s) == (11.0, 50.0)
    learnt.begin_anew(200, 200)
    assert learnt.response_then_s is None


def test_the_first_whole_day_is_what_later_noise_is_measured_by() -> None:
    learnt = SinceCalibration(since_us=100, upto_us=100)
    learnt.is_noisy_by(0.5, 99 + DAY_US)
    learnt.is_noisy_by(None, 100 + DAY_US)
    learnt.is_noisy_by(0.2, 101 + DAY_US)
    learnt.is_noisy_by(0.9, 102 + DAY_US)
    assert learnt.noise == 0.2
