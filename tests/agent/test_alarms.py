"""One alarm's life as a table: seconds of boot time, value (None: missing, "bad": failed), what changes."""

from typing import Any

import pytest

from agent.alarms import Watch
from agent.domain.alarm import Alarm, AlarmKind, AlarmState, Standing
from agent.domain.reading import CheckedReading, Flag
from tests.agent.farm import BOOT, NO_DATA, alarm, checked

RAISED, CLEARED, NO = True, False, None
Story = list[tuple[float, Any, bool | None]]

LOW = alarm(AlarmKind.LOW, 6.0, deadband=0.5, on_delay_s=10, off_delay_s=20)
FAILED = alarm(AlarmKind.SENSOR_FAILED, None, 0.0, 60.0, 0.0)
HIGH = alarm(AlarmKind.CRITICAL_HIGH, 20.0, deadband=1.0, on_delay_s=0, off_delay_s=0)


def heard(at_s: float, said: Any) -> CheckedReading:
    return checked(at_s, 0.1, Flag.FAIL) if said == "bad" else checked(at_s, said)


@pytest.mark.parametrize(
    ("which", "story"),
    [
        pytest.param(LOW, [(0, 6.0, NO), (100, 6.0, NO), (200, 6.0, NO)], id="the limit itself is no alarm"),
        pytest.param(
            LOW, [(0, 5.9, NO), (9.9, 5.9, NO), (10, 5.9, RAISED), (20, 5.9, NO)], id="raised by the on-delay"
        ),
        pytest.param(LOW, [(0, 5.9, NO), (8, 6.0, NO), (12, 5.9, NO), (21, 5.9, NO)], id="a fleeting crossing is none"),
        pytest.param(
            LOW,
            [
                (0, 5, NO),
                (10, 5, RAISED),
                (20, 6.49, NO),
                (90, 6.49, NO),
                (100, 6.5, NO),
                (119, 7, NO),
                (120, 7, CLEARED),
            ],
            id="cleared only beyond the deadband, by the off-delay",
        ),
        pytest.param(
            LOW,
            [
                (0, 5, NO),
                (10, 5, RAISED),
                (20, 7, NO),
                (30, 6.4, NO),
                (40, 7, NO),
                (59, 7, NO),
                (60, 7, CLEARED),
            ],
            id="a relapse begins the off-delay anew",
        ),
        pytest.param(LOW, [(0, 5, NO), (10, 5, RAISED), (11, None, NO), (9999, None, NO)], id="no data never clears"),
        pytest.param(
            LOW, [(0, 5, NO), (10, 5, RAISED), (11, "bad", NO), (9999, "bad", NO)], id="bad data never clears"
        ),
        pytest.param(LOW, [(0, "bad", NO), (10, "bad", NO), (99, None, NO)], id="bad data never raises a limit"),
        pytest.param(
            LOW,
            [(0, 5, NO), (4, None, NO), (50, "bad", NO), (90, 5, NO), (95.9, 5, NO), (96, 5, RAISED)],
            id="the on-delay does not run while there is no data",
        ),
        pytest.param(
            LOW,
            [
                (0, 5, NO),
                (10, 5, RAISED),
                (20, 7, NO),
                (25, None, NO),
                (99, 7, NO),
                (113, 7, NO),
                (114, 7, CLEARED),
            ],
            id="the off-delay does not run while there is no data",
        ),
        pytest.param(
            LOW,
            [(0, 5, NO), (4, None, NO), (8, 7, NO), (9, 5, NO), (18, 5, NO), (19, 5, RAISED)],
            id="a good value ends it",
        ),
        pytest.param(
            HIGH,
            [(0, 20.0, NO), (1, 20.1, RAISED), (2, 19.1, NO), (3, 19.0, CLEARED), (4, 20.1, RAISED)],
            id="a high limit without delays",
        ),
        pytest.param(
            NO_DATA,
            [(0, None, NO), (59, None, NO), (60, None, RAISED), (61, "bad", NO), (62, 8, CLEARED), (63, 8, NO)],
            id="no valid data is raised by its delay and cleared by the first value",
        ),
        pytest.param(
            NO_DATA, [(0, None, NO), (59, 8, NO), (60, None, NO), (119, None, NO)], id="a value begins it anew"
        ),
        pytest.param(NO_DATA, [(0, "bad", NO), (999, "bad", NO)], id="a probe that answers nonsense is not silent"),
        pytest.param(
            FAILED,
            [(0, "bad", NO), (60, "bad", RAISED), (61, None, NO), (999, None, NO), (1000, 8, CLEARED)],
            id="a sensor that gives nonsense has failed, and silence does not mend it",
        ),
        pytest.param(FAILED, [(0, None, NO), (999, None, NO)], id="a silent probe is no failed sensor"),
        pytest.param(
            FAILED,
            [(n, "bad" if n % 10 else None, NO) for n in range(0, 75, 5)] + [(144, "bad", NO), (169, "bad", RAISED)],
            id="silence in between holds its delay up, and never begins it anew",
        ),
    ],
)
def test_an_alarm_changes_when_its_story_says_so(which: Alarm, story: Story) -> None:
    watch = Watch(which)
    for at_s, said, change in story:
        assert bool(watch.observe(heard(at_s, said))) == (change is not None), f"at {at_s} s"
        if change is not None:
            assert watch.standing.active is change, f"at {at_s} s"


def test_each_raising_is_counted_and_clearing_is_not() -> None:
    watch = Watch(HIGH)
    for at_s in range(5):
        watch.observe(checked(at_s, 21.0))
        assert (watch.standing.occurrence, watch.standing.raised) == (at_s + 1, f"{BOOT}/{at_s * 1000}")
        watch.observe(checked(at_s + 0.5, 18.0))
        assert (watch.standing.occurrence, watch.standing.raised) == (at_s + 1, f"{BOOT}/{at_s * 1000}")


def test_an_alarm_that_stood_before_a_restart_still_stands_and_clears_once() -> None:
    watch = Watch(LOW)
    watch.standing = Standing(AlarmState.UNACKNOWLEDGED, True, 7, "boot/1")
    assert not watch.observe(checked(0, 5.0))
    assert not watch.observe(checked(10, 7.0))
    assert watch.observe(checked(30, 7.0))
    assert watch.standing == Standing(AlarmState.RETURNED, False, 7, "boot/1", since_s=30)


def test_a_suspect_value_still_raises() -> None:
    watch = Watch(LOW)
    watch.observe(checked(0, 3.0, Flag.SUSPECT))
    assert watch.observe(checked(10, 3.0, Flag.SUSPECT))
