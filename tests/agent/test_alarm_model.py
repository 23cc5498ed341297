"""Alarms against a model that thinks in intervals instead of timers."""

from dataclasses import dataclass
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from agent.alarms import Watch
from agent.domain.alarm import LOW_KINDS, Alarm, AlarmKind, AlarmState
from agent.domain.reading import Flag
from tests.agent.farm import alarm, checked

STEPS = st.integers(0, 12).map(lambda n: n / 2)
SAID = st.one_of(
    st.integers(0, 16).map(lambda n: (n / 2, Flag.GOOD)),
    st.just((0.0, Flag.FAIL)),
    st.just((None, Flag.MISSING)),
)
STORIES = st.lists(st.tuples(STEPS, SAID), max_size=60)
DELAYS = st.integers(0, 20).map(float)


LIMITS = (*LOW_KINDS, AlarmKind.HIGH, AlarmKind.CRITICAL_HIGH)
OF_THE_SENSOR = {
    AlarmKind.NO_VALID_DATA: (Flag.MISSING, Flag.FAIL),
    AlarmKind.SENSOR_FAILED: (Flag.FAIL, Flag.MISSING),
}
"""What raises it, and what says nothing about it."""


@st.composite
def alarms(draw: st.DrawFn) -> Alarm:
    kind = draw(st.sampled_from((*LIMITS, *OF_THE_SENSOR)))
    limit = None if kind in OF_THE_SENSOR else draw(st.integers(2, 12)) / 2
    return alarm(kind, limit, draw(st.integers(0, 4)) / 2, draw(DELAYS), draw(DELAYS))


@dataclass
class Model:
    """Remembers everything since the last change, and looks through it again with every reading."""

    alarm: Alarm
    active: bool = False
    raised: int = 0

    def __post_init__(self) -> None:
        self.heard: list[tuple[float, bool | None]] = []

    def hear(self, at_s: float, value: float | None, flag: Flag) -> None:
        self.heard.append((at_s, self.speaks_for_change(value, flag)))
        delay_s = self.alarm.off_delay_s if self.active else self.alarm.on_delay_s
        if self.heard[-1][1] and self.held_s() >= delay_s:
            self.active = not self.active
            self.raised += self.active
            self.heard.clear()

    def speaks_for_change(self, value: float | None, flag: Flag) -> bool | None:
        if self.alarm.kind in OF_THE_SENSOR:
            ill, dumb_about = OF_THE_SENSOR[self.alarm.kind]
            return None if flag is dumb_about else (flag is ill) != self.active
        if value is None or flag is not Flag.GOOD:
            return None
        limit = self.alarm.limit or 0.0
        below = self.alarm.kind in LOW_KINDS
        if not self.active:
            return value < limit if below else value > limit
        return value >= limit + self.alarm.deadband if below else value <= limit - self.alarm.deadband

    def held_s(self) -> float:
        """How long the newest run for a change has lasted, without the time that began with a reading of no use."""
        start = max((n for n, (_, speaks) in enumerate(self.heard) if speaks is False), default=-1) + 1
        run = self.heard[start:]
        while run and run[0][1] is None:
            run = run[1:]
        return sum(after_s - before_s for (before_s, speaks), (after_s, _) in pairwise(run) if speaks)


@given(alarms(), STORIES)
def test_an_alarm_does_what_the_model_does(which: Alarm, story: list[tuple[float, tuple[float | None, Flag]]]) -> None:
    watch, model, at_s = Watch(which), Model(which), 0.0
    for step_s, (value, flag) in story:
        at_s += step_s
        before = model.active
        model.hear(at_s, value, flag)
        shelved = watch.standing.state is AlarmState.SHELVED
        told = watch.observe(checked(at_s, value, flag))
        assert shelved or bool(told) == (
            model.active != before
        )  # one that chatters is followed on its shelf in silence
        assert (watch.standing.active, watch.standing.occurrence) == (model.active, model.raised)


@given(alarms(), STORIES)
def test_readings_of_no_use_never_change_a_limit_alarm(
    which: Alarm, story: list[tuple[float, tuple[float | None, Flag]]]
) -> None:
    watch, at_s = Watch(which), 0.0
    for step_s, (value, flag) in story:
        at_s += step_s
        changed = watch.observe(checked(at_s, value, flag))
        assert not (changed and flag is not Flag.GOOD and which.kind in LIMITS)
