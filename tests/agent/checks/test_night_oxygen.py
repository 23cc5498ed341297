"""More oxygen than air gives, in the dark."""

from datetime import UTC, datetime

import pytest

from agent.checks import night_oxygen
from agent.checks.check import Point
from agent.domain.reading import Flag, Verdict
from tests.agent.checks.taught import made

DELTA = night_oxygen.Limits(latitude=33.4, longitude=-90.9)  # Stoneville, Mississippi; the sun sets at about 0:50 UTC
HALL = night_oxygen.Limits(hours=(20, 4))


def judged(limits: night_oxygen.Limits, percent: float, hour: int, minute: int = 0, day: int = 2) -> Verdict:
    at = datetime(2026, 7, day, hour, minute, tzinfo=UTC)
    return made(limits).judge(Point(1.0, percent, round(at.timestamp() * 1e6)))


@pytest.mark.parametrize(
    ("hour", "minute", "flag"),
    [(20, 0, Flag.GOOD), (1, 30, Flag.GOOD), (3, 0, Flag.GOOD), (4, 0, Flag.SUSPECT), (10, 0, Flag.SUSPECT),
     (11, 0, Flag.GOOD)],
)  # fmt: skip
def test_it_is_night_two_hours_after_dusk_until_dawn(hour: int, minute: int, flag: Flag) -> None:
    """On 1 July 2026 the sun is 6° below the horizon from about 1:40 to 10:25 UTC."""
    assert judged(DELTA, 160.0, hour, minute).flag is flag
    assert judged(DELTA, 140.0, hour, minute).flag is Flag.GOOD


def test_it_says_so_and_the_probe_may_be_wrong() -> None:
    assert judged(DELTA, 163.2, 6) == Verdict(
        Flag.SUSPECT, "163 % saturation at night, above 140: nothing makes oxygen then", 0.5
    )


def test_hours_of_the_farm_go_before_the_sun() -> None:
    both = night_oxygen.Limits(hours=(20, 4), latitude=33.4, longitude=-90.9)
    for limits in (HALL, both):
        flags = [judged(limits, 150.0, hour).flag is Flag.SUSPECT for hour in range(24)]
        assert flags == [hour >= 20 or hour <= 4 for hour in range(24)]


def test_where_it_does_not_get_dark_nothing_is_said_and_without_a_clock_nothing_is_evaluated() -> None:
    tromso = night_oxygen.Limits(latitude=69.6, longitude=18.9)
    assert {judged(tromso, 170.0, hour).flag for hour in range(24)} == {Flag.GOOD}
    assert made(DELTA).judge(Point(1.0, 170.0)).flag is Flag.NOT_EVALUATED
    assert made(DELTA).judge(Point(1.0, 90.0)).flag is Flag.GOOD


@pytest.mark.parametrize(
    "wrong",
    [{}, {"latitude": 50.0}, {"hours": (20, 24)}, {"hours": (20, 4), "percent": 100.0},
     {"latitude": 95.0, "longitude": 0.0}],
)  # fmt: skip
def test_without_knowing_when_it_is_dark_there_is_no_check(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="needs"):
        night_oxygen.Limits(**wrong)  # type: ignore[arg-type]
