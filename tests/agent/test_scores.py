"""The specification's two scores: by hand, honest about what is missing, and from a real ring buffer."""

import json
from collections.abc import Mapping
from pathlib import Path
from statistics import stdev
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from rich.console import Console

from agent.checks import CHECKS
from agent.domain.clock import Instant
from agent.domain.farm import Sensor
from agent.domain.quality import USABLE
from agent.domain.quantity import Quantity
from agent.domain.reading import CheckedReading, Flag, Reading
from agent.scores.hours import HOURS_KEPT, FiveMinutes, History, statistics
from agent.scores.tank import Maintenance, TankHealth, maintenance, recommendation, tank_health
from agent.tank_report import TankReports
from agent.views.health import probes_view, tanks_view
from tests.agent.conftest import Opened
from tests.agent.farm import OXYGEN, TANK, WARMTH
from tests.clock import FakeClock

NOW = 500_000  # hours since 1970
NOW_SPAN = 12 * NOW + 11  # the last five minutes of that hour
PH = Sensor(UUID(int=13), TANK, "ph-1", "ph", Quantity.PH, None)
PARTS = (Quantity.TEMPERATURE, Quantity.PH, Quantity.DISSOLVED_OXYGEN)
SCHEMA = json.loads((Path(__file__).parents[2] / "agent/feed/schemas/tank-health.json").read_text())


def span(number: int, *values: float, quality: float = 1.0, anomalies: int = 0) -> FiveMinutes:
    """Five minutes with these values of that quality."""
    usable = values if quality >= USABLE else ()
    squares, least, count = sum(value * value for value in usable), min(usable, default=None), len(values)
    return FiveMinutes(number, count, count, len(usable), sum(usable), squares, least, quality * count, anomalies)


def history(*values: float, hours: int = 24, quality: float = 1.0, share: float = 1.0, ago: int = 0) -> History:
    """The values again and again in every five minutes of the newest hours, or in a share of those minutes."""
    made = History(5.0)
    for hour in range(NOW - hours + 1 - ago, NOW + 1 - ago):
        for n in range(round(12 * share)):
            made.add(span(12 * hour + n, *values, quality=quality))
    return made


def healthy(**changes: History) -> TankHealth:
    usual = {"temperature": history(14.9, 15.1), "ph": history(7.4, 7.6), "oxygen": history(7.0, 8.0)}
    return tank_health({of: [one] for of, one in zip(PARTS, (usual | changes).values(), strict=True)}, 0, 24, NOW)


def test_health_is_the_specifications_sum() -> None:
    found = healthy()
    assert found.temperature == pytest.approx(25 - 5 * 0.1, abs=0.001)
    assert found.ph == pytest.approx(25 - 10 * 0.1, abs=0.002)
    assert (found.oxygen, found.quality, found.coverage) == (25.0, 25.0, 1.0)
    assert found.score == pytest.approx(98.5, abs=0.01)


@pytest.mark.parametrize(("least", "points"), [(6.0, 25), (5.99, 15), (4.0, 15), (3.99, 5), (2.0, 5), (1.99, 0)])
def test_oxygen_counts_by_its_minimum(least: float, points: float) -> None:
    assert healthy(oxygen=history(9.0, least)).oxygen == points


def test_each_alarm_costs_five_and_the_score_stays_within_its_range() -> None:
    still = {quantity: [history(7.0, 7.0)] for quantity in PARTS}
    assert [tank_health(still, alarms, 24, NOW).score for alarms in (0, 1, 3, 30)] == [100, 95, 85, 0]


@pytest.mark.parametrize(("share", "known"), [(1.0, True), (0.75, True), (0.67, False), (0.5, False), (0.0, False)])
def test_below_seventy_percent_the_score_is_unknown_and_the_coverage_told(share: float, known: bool) -> None:
    found = healthy(ph=history(7.4, 7.6, share=share))
    assert (found.score is not None) == known
    assert found.coverage == pytest.approx(round(12 * share) / 12)


def test_what_is_not_measured_is_no_full_score() -> None:
    found = tank_health({Quantity.TEMPERATURE: [history(15.0, 15.0)]}, 0, 24, NOW)
    assert (found.score, found.coverage, found.temperature, found.ph, found.oxygen) == (None, 0.0, 25.0, None, None)
    assert tank_health({}, 0, 24, NOW) == TankHealth(None, 0.0, None, None, None, None, 0)


def test_a_single_reading_is_not_steady() -> None:
    alone = History(5.0)
    alone.add(span(12 * NOW, 15.0))
    assert statistics(alone, 24, NOW).deviation is None


def test_readings_that_are_not_usable_are_not_covered_but_count_as_quality() -> None:
    found = healthy(oxygen=history(7.0, quality=0.5))
    assert (found.oxygen, found.coverage, found.score) == (None, 0.0, None)
    assert found.quality == pytest.approx(25 * (2 + 2 + 0.5) / 5)


def test_the_sensor_with_the_fewest_points_counts_if_it_is_well_covered() -> None:
    low, short = history(5.0, 5.0), history(1.0, 1.0, share=0.25)
    assert tank_health({Quantity.DISSOLVED_OXYGEN: [history(8.0), low, short]}, 0, 24, NOW).oxygen == 15


def test_a_slow_sensor_is_covered_by_the_readings_it_gives() -> None:
    slow = History(900.0)
    for number in range(12 * (NOW - 23), 12 * (NOW + 1), 3):
        slow.add(span(number, 7.0))
    assert statistics(slow, 24, NOW).coverage == 1.0


@given(st.lists(st.floats(0, 40), min_size=2, max_size=200))
def test_the_deviation_is_that_of_all_values(values: list[float]) -> None:
    made = History(5.0)
    for n, value in enumerate(values):
        made.add(span(12 * NOW - n % 250, value))
    found = statistics(made, 48, NOW)
    assert found.deviation == pytest.approx(stdev(values), abs=1e-5)
    assert found.least == min(values)


def test_a_week_is_kept_and_no_more() -> None:
    made = history(7.0, hours=400)
    made.forget(NOW)
    assert len(made.hours) == HOURS_KEPT


def falling(per_day: float, days: int = 7) -> History:
    """Quality 1 a week ago, and less by so much every day."""
    made = History(5.0)
    for hour in range(24 * days):
        for n in range(12):
            made.add(span(12 * (NOW - 24 * days + 1 + hour) + n, 7.0, quality=1.0 - per_day * (hour // 24)))
    return made


def test_degradation_is_the_negated_slope_in_one_over_seconds() -> None:
    found = maintenance([falling(0.3 / 7)], 7, NOW_SPAN)
    assert found.degradation == pytest.approx(0.3 / 7 / 86_400 * 1e6)
    assert found.score == pytest.approx(0.4 * 0.3 / 7 / 86_400 * 1e6, abs=1e-9)
    assert maintenance([falling(-0.02)], 7, NOW_SPAN).degradation == 0.0, "a probe that gets better needs nothing"


def test_missing_readings_and_anomalies_count_and_each_part_ends_at_a_hundred() -> None:
    half = history(7.0, hours=168, share=0.5)
    assert maintenance([half], 7, NOW_SPAN).missing == pytest.approx(50)
    assert maintenance([half, history(7.0, hours=168)], 7, NOW_SPAN).missing == pytest.approx(25)
    odd, wild = history(7.0, hours=168), history(7.0, hours=168)
    for n in range(14):
        odd.add(span(12 * (NOW - 10 * n), 9.0, anomalies=5))
    assert maintenance([odd], 7, NOW_SPAN).anomalies == pytest.approx(20), "fourteen times five minutes in a week"
    for number in range(12 * (NOW - 167), 12 * (NOW + 1)):
        wild.add(span(number, 9.0, anomalies=1))
    assert maintenance([wild], 7, NOW_SPAN).anomalies == 100


def test_a_probe_that_fell_silent_is_missing_since_and_one_that_never_spoke_all_the_time() -> None:
    assert maintenance([history(7.0, hours=84, ago=84)], 7, NOW_SPAN).missing == pytest.approx(50)
    assert maintenance([history(7.0, hours=168), History(5.0)], 7, NOW_SPAN).missing == pytest.approx(50)


def test_a_sensor_of_yesterday_is_not_missing_the_week_before() -> None:
    assert maintenance([history(7.0, hours=168), history(7.0, hours=30)], 7, NOW_SPAN).missing == 0


def test_of_a_sensor_that_is_read_every_two_hours_no_more_is_expected() -> None:
    slow = History(7200.0)
    for number in range(12 * (NOW - 167), 12 * (NOW + 1), 24):
        slow.add(span(number, 7.0))
    assert maintenance([slow], 7, NOW_SPAN).missing == 0


def test_before_there_are_two_days_nothing_can_be_told() -> None:
    found = maintenance([history(7.0, hours=20)], 7, NOW_SPAN)
    assert (found.score, found.recommendation) == (None, "Not enough readings to judge")
    assert found.days == pytest.approx(20 / 24)
    assert maintenance([], 7, NOW_SPAN) == Maintenance(None, "Not enough readings to judge", None, None, None, 0)


@pytest.mark.parametrize(
    ("score", "words"),
    [
        (80.1, "Immediate maintenance required"),
        (80, "Schedule maintenance soon"),
        (60, "Monitor closely"),
        (40, "System operating normally"),
        (0, "System operating normally"),
    ],
)
def test_the_recommendations_are_the_specifications(score: float, words: str) -> None:
    assert recommendation(score) == words


GOOD = "1" * len(CHECKS)
ODD = "".join("3" if name == "z_score" else "1" for name in CHECKS)


def kept(clock: FakeClock, ago_s: float, sensor: Sensor, value: float | None, tests: str = GOOD) -> CheckedReading:
    at = Instant(clock.utc_us - round(ago_s * 1e6), clock.boot - ago_s, clock.boot_id, True)
    if value is None:
        return CheckedReading(Reading(sensor, at, None, "no reply"), Flag.MISSING, 0.0, tests, "no reply")
    return CheckedReading(Reading(sensor, at, value), Flag.GOOD, 1.0, tests, None)


async def test_the_report_is_read_from_the_ring_buffer_and_goes_on_with_what_is_new(
    tmp_path: Path, opened: Opened
) -> None:
    at_the_end_of_an_hour_us = 1_750_000_000_000_000 // 3_600_000_000 * 3_600_000_000 - 1_000_000
    clock = FakeClock(at_the_end_of_an_hour_us, boot_s=1_000_000.0)
    store, path, day_s = opened(keep_in_memory=10_000), tmp_path / "ring-buffer.sqlite", 86_400
    told: dict[str, Mapping[str, Any]] = {}
    sensors = dict.fromkeys((WARMTH, PH, OXYGEN), 300.0)
    reports = TankReports(path, sensors, lambda tank: 2 if tank is TANK else 0, told.__setitem__, clock)
    for ago_s in range(5 * day_s // 2, 0, -300):
        wave = 0.5 if ago_s // 300 % 2 else -0.5
        store.put(
            [kept(clock, ago_s, WARMTH, 15 + wave, ODD if ago_s < 1000 else GOOD), kept(clock, ago_s, PH, 7.5)], []
        )
        store.put([kept(clock, ago_s, OXYGEN, None if ago_s > 2 * day_s else 7 + wave)], [])
    await store.commit()
    await reports.report()
    first = told["tank-1"]
    Draft202012Validator(SCHEMA).validate(dict(first))
    assert reports.newest == told
    health, care = first["health"], first["maintenance"]
    assert health["coverage"] == pytest.approx(1.0, abs=0.01)
    assert health["temperature"] == pytest.approx(25 - 5 * 0.5, abs=0.01)
    assert (health["ph"], health["oxygen"], health["quality"], health["alarms"]) == (25, 25, 25, 2)
    assert health["score"] == pytest.approx(97.5 - 10, abs=0.01)
    assert care["missing"] == pytest.approx(100 / 5 / 3, abs=2), "half a day of two and a half, of one sensor of three"
    assert care["anomalies"] == pytest.approx(10 * 3 / 2.5, abs=0.5)
    assert care["recommendation"] == "System operating normally"

    store.put([kept(clock, 0, OXYGEN, 3.0)], [])
    await store.commit()
    await reports.report()
    assert told["tank-1"]["health"]["oxygen"] == 5

    await store.close()
    path.unlink()
    clock.advance(12 * 3600)
    await reports.report()
    assert told["tank-1"]["health"]["score"] is None, "nothing new can be read: half of the day is known"
    assert told["tank-1"]["health"]["coverage"] == pytest.approx(0.5, abs=0.05)


def test_the_technician_sees_the_scores_or_that_they_are_unknown() -> None:
    report = {
        "tank": "tank-1",
        "health": {"score": None, "coverage": 0.416},
        "maintenance": {"score": 63.4, "recommendation": "Schedule maintenance soon"},
    }
    console = Console(width=100)
    with console.capture() as captured:
        console.print(*tanks_view([report]))
    told = " ".join(captured.get().splitlines()[-1].split())
    assert told == "tank-1 unknown 42% 63 Schedule maintenance soon"
    assert list(tanks_view([])) == []


def test_the_technician_sees_what_to_do_about_a_probe_and_what_nobody_knows() -> None:
    known, unknown = {"what": "gaps", "state": "good"}, {"what": "cap_age", "state": "unknown"}
    reports: list[Mapping[str, Any]] = [
        {"tank": "tank-1", "probe": "ph-1", "state": "act", "advice": "ph-1: clean [it]", "evidence": [known, unknown]},
        {"tank": "tank-1", "probe": "do-1", "state": "good", "advice": None, "evidence": [known, unknown, unknown]},
        {"tank": "tank-2", "probe": "do-1", "state": "good", "advice": None, "evidence": [known]},
    ]
    console = Console(width=100)
    with console.capture() as captured:
        console.print(*probes_view(reports))
    assert [" ".join(line.split()) for line in captured.get().splitlines()[2:]] == [
        "tank-1 ph-1 act ph-1: clean [it]",
        "do-1 good not known: cap age",
        "tank-2 do-1 good",
    ]
    assert list(probes_view([])) == []
