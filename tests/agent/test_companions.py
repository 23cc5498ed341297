"""What a probe's device is told of another probe: what is good and fresh, and nothing else."""

import pytest

from agent.companions import sources
from agent.domain.farm import Compensation, Sensor
from agent.domain.quantity import Quantity
from agent.domain.reading import CheckedReading, Flag, Missing
from tests.agent.farm import WARMTH, checked
from tests.clock import FakeClock

NOW_S = 1000.0


@pytest.mark.parametrize(
    ("latest", "told"),
    [
        (checked(NOW_S, 17.5, sensor=WARMTH), 17.5),
        (checked(NOW_S - 60, 17.5, sensor=WARMTH), 17.5),
        (checked(NOW_S - 61, 17.5, sensor=WARMTH), "the value of tank-1/do-1/temperature is 61 s old"),
        (checked(NOW_S, None, sensor=WARMTH), "has no good value: no reply in 0.5 s"),
        (checked(NOW_S, 17.5, Flag.SUSPECT, WARMTH, because="rate_of_change: fast water"), 17.5),
        (checked(NOW_S, 85.0, Flag.FAIL, WARMTH, because="spike: 67 above"), "has no good value: spike: 67 above"),
        (None, "tank-1/do-1/temperature was not read yet"),
    ],
)
def test_only_what_is_good_and_fresh_is_told(latest: CheckedReading | None, told: float | str) -> None:
    newest: dict[Sensor, CheckedReading] = {} if latest is None else {WARMTH: latest}
    (source,) = sources((Compensation(WARMTH, 60.0),), newest, FakeClock(boot_s=NOW_S)).values()
    said = source()
    if isinstance(told, str):
        assert isinstance(said, Missing)
        assert told in said.because
    else:
        assert said == told


def test_a_source_always_looks_at_the_newest() -> None:
    newest = {WARMTH: checked(NOW_S, 17.5, sensor=WARMTH)}
    clock = FakeClock(boot_s=NOW_S)
    source = sources((Compensation(WARMTH, 60.0),), newest, clock)[Quantity.TEMPERATURE]
    newest[WARMTH] = checked(NOW_S + 5, 18.0, sensor=WARMTH)
    clock.advance(6)
    assert source() == 18.0
