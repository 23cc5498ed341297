"""The newest values of a sensor, for the checks of others in its tank."""

from collections import deque

_POINTS = 64
_APART_S = 15.0


class Trace:
    """`newest` is the last learnt (boot seconds, value); `points` are earlier ones, oldest first, at least 15 s apart
    and up to 16 minutes back. Kept only where somebody follows.
    """

    __slots__ = ("followed", "name", "newest", "points")

    def __init__(self, name: str) -> None:
        self.name = name
        self.followed = False
        self.newest: tuple[float, float] | None = None
        self.points: deque[tuple[float, float]] = deque(maxlen=_POINTS)

    def add(self, at_s: float, value: float) -> None:
        if self.newest is not None and (not self.points or at_s - self.points[-1][0] >= _APART_S):
            self.points.append(self.newest)
        self.newest = (at_s, value)
