"""Alarms against a model that thinks in intervals instead of timers."""

from dataclasses import dataclass
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from agent.alarms import Watch
from agent.domain.alarm import LOW_KINDS, Alarm, AlarmKind
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


@st.composite
def alarms(draw: st.DrawFn) -> Alarm:
    kind = draw(st.sampled_from(AlarmKind))
    limit = None if kind is AlarmKind.NO_VALID_DATA else draw(st.integers(2, 12)) / 2
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
        self.heard.append((at_s, self.speaks_for_change(value if flag is Flag.GOOD else None)))
        delay_s = self.alarm.off_delay_s if self.active else self.alarm.on_delay_s
        if self.heard[-1][1] and self.held_s() >= delay_s:
            self.active = not self.active
            self.raised += self.active
            self.heard.clear()

    def speaks_for_change(self, value: float | None) -> bool | None:
        if self.alarm.kind is AlarmKind.NO_VALID_DATA:
            return (value is not None) if self.active else (value is None)
        if value is None:
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
        assert bool(watch.observe(checked(at_s, value, flag))) == (model.active != before)
        assert (watch.standing.active, watch.standing.occurrence) == (model.active, model.raised)


@given(alarms(), STORIES)
def test_readings_of_no_use_never_change_a_limit_alarm(
    which: Alarm, story: list[tuple[float, tuple[float | None, Flag]]]
) -> None:
    watch, at_s = Watch(which), 0.0
    for step_s, (value, flag) in story:
        at_s += step_s
        changed = watch.observe(checked(at_s, value, flag))
        assert not (changed and flag is not Flag.GOOD and which.kind is not AlarmKind.NO_VALID_DATA)
