"""The greatest value of late."""

_SPAN_S = 60.0


class Worst:
    """Remembers the greatest value of the last one to two minutes, in two buckets."""

    def __init__(self) -> None:
        self._began_s = 0.0
        self._older: float | None = None
        self._newer: float | None = None

    def note(self, now_s: float, value: float) -> None:
        """`now_s` in boot seconds."""
        self._turn_over(now_s)
        self._newer = value if self._newer is None else max(self._newer, value)

    def of_late(self, now_s: float) -> float | None:
        """None if nothing was noted of late."""
        self._turn_over(now_s)
        return max((value for value in (self._older, self._newer) if value is not None), default=None)

    def _turn_over(self, now_s: float) -> None:
        passed_s = now_s - self._began_s
        if passed_s >= _SPAN_S:
            self._older = self._newer if passed_s < 2 * _SPAN_S else None
            self._newer, self._began_s = None, now_s
