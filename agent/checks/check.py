"""What a check is: it belongs to one sensor, has limits, may remember, and gives a verdict on every value.

Time is boot time in seconds (to the millisecond, as it is stored), so a wall clock that steps is not noticed here. The
promises that `SensorChecks` keeps, so that no check has to:

- `judge` changes nothing; `learn` is called after all have judged, with the quality score that came of it.
- Only what may be a measurement is learnt: never a missing value, never one outside the sensor's span (quality 0).
- Time grows strictly from one learnt value to the next. A late or doubled one goes to `judge_late`, and is not learnt.
- After a restart a check goes on from what it had learnt when that was last written down (`learnt`, see `learner`), and
  learns the readings stored since, in order; so it says the same as if it had never stopped. Where nothing was written
  down, or by a check of another `basis`, it learns the stored readings of the last `memory_s` seconds. Without a clock
  after a reboot nobody knows how old any of it is: then only what `outlasts` is taken up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

from agent.checks.learner import Learner
from agent.checks.trace import Trace
from agent.domain.quantity import Quantity
from agent.domain.reading import Flag, Verdict

GOOD = Verdict(Flag.GOOD)
NOT_EVALUATED = Verdict(Flag.NOT_EVALUATED)


class Point(NamedTuple):
    """One finite value in canonical units at `at_s` (boot seconds); `utc_us` is None unless the wall clock is right."""

    at_s: float
    value: float
    utc_us: int | None = None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a check may see beside its limits: what its sensor measures and how often it is asked, the tank's other
    sensors by quantity, and those of its own probe, itself included.
    """

    quantity: Quantity | None = None
    period_s: float = 5.0
    others: Mapping[Quantity, Sequence[Trace]] = field(default_factory=dict)
    probe: Mapping[Quantity, Trace] = field(default_factory=dict)

    def other(self, quantity: Quantity) -> Trace | None:
        """The first other sensor of that quantity in the tank, from now on followed; None if there is none."""
        return _followed(next(iter(self.others.get(quantity, ())), None))

    def on_probe(self, quantity: Quantity) -> Trace | None:
        """The sensor of that quantity on the same probe, from now on followed; None if it has none."""
        return _followed(self.probe.get(quantity))

    @property
    def twin(self) -> Trace | None:
        """The first other sensor of this one's quantity in the tank, from now on followed."""
        return None if self.quantity is None else self.other(self.quantity)


def _followed(trace: Trace | None) -> Trace | None:
    if trace is not None:
        trace.followed = True
    return trace


class Check(Learner):
    """The base of every check: it remembers nothing."""

    remembers: ClassVar[bool] = False
    """Whether it learns, and so needs values in order of time."""

    only_noted: ClassVar[bool] = False
    """Whether its verdict stands among the reading's tests, and counts for neither its flag nor its quality."""

    outlasts: ClassVar[bool] = False
    """Whether what it knows is of use after a time of which nobody knows how long it was: of how a sensor behaves, and
    not of what it said last.
    """

    version: ClassVar[int] = 1
    """To be raised when what it has `learnt` gets another meaning."""

    def __init__(self, limits: Any, surroundings: Surroundings) -> None:
        self.limits = limits
        self.surroundings = surroundings

    @property
    def basis(self) -> str:
        """On what it learns: what was learnt on another is of no use to it."""
        return f"{self.version} {self.limits!r} {self.surroundings.period_s:g}"

    @property
    def applies(self) -> bool:
        """Whether it has what it needs here; one that does not apply is off."""
        return True

    @property
    def memory_s(self) -> float:
        """How far back it looks, in seconds."""
        return 0.0

    def judge(self, point: Point) -> Verdict:
        """The verdict on a new value."""
        raise NotImplementedError

    def judge_late(self, point: Point) -> Verdict:
        """The verdict on a value that comes late, or a second time."""
        return NOT_EVALUATED if self.remembers else self.judge(point)

    def learn(self, at_s: float, value: float, quality: float) -> None:
        """Take in a value that was judged, with its quality score."""

    def missing(self, garbled: bool) -> Flag:
        """The flag of a reading without value; `garbled`: bytes came, but they were no answer."""
        return Flag.MISSING


class Comparison(Check):
    """The base of a check that looks at `other` beside its own sensor; it does not apply in a tank without."""

    def __init__(self, limits: Any, surroundings: Surroundings, other: Trace | None) -> None:
        super().__init__(limits, surroundings)
        self._other = other

    @property
    def basis(self) -> str:
        return f"{super().basis} {self._other.name if self._other else ''}"

    @property
    def applies(self) -> bool:
        return self._other is not None
