"""The newest values of a sensor, for the checks of others in its tank."""

from collections import deque

from agent.checks.learner import Learner

_POINTS = 128
_APART_S = 15.0


class Trace(Learner):
    """`newest` is the last value learnt (boot seconds, value); `points` are the first one of every 15 s of boot time,
    oldest first, half an hour back or more. Kept only where somebody follows.
    """

    __slots__ = ("followed", "name", "newest", "points")
    learnt = ("newest", "points")

    def __init__(self, name: str) -> None:
        self.name = name
        self.followed = False
        self.newest: tuple[float, float] | None = None
        self.points: deque[tuple[float, float]] = deque(maxlen=_POINTS)

    def add(self, at_s: float, value: float) -> None:
        self.newest = (at_s, value)
        if not self.points or at_s // _APART_S > self.points[-1][0] // _APART_S:
            self.points.append(self.newest)

    def clear(self) -> None:
        self.newest = None
        self.points.clear()

    def change(self, since_s: float, until_s: float) -> float | None:
        """From the last value not after `since_s` to the newest; None if the one is not known, or the other is from
        before `until_s`.
        """
        if self.newest is None or self.newest[0] < until_s:
            return None
        then = next((value for at_s, value in reversed(self.points) if at_s <= since_s), None)
        return None if then is None else self.newest[1] - then
