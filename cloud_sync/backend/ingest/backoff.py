"""When to try again."""

from collections.abc import Callable
from random import uniform

Uniform = Callable[[float, float], float]


class Backoff:
    """Full jitter: a pause of anything up to a bound that doubles with each failure, from `base_s` up to `cap_s`, so
    that instances that lost the same server do not come back at once; no shorter than `least_s`.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        uniform: Uniform = uniform,
        base_s: float = 0.5,
        cap_s: float = 30.0,
        least_s: float = 0.05,
    ) -> None:
        self._clock = clock
        self._uniform = uniform
        self._base_s, self._cap_s, self._least_s = base_s, cap_s, least_s
        self._failures = 0
        self._until_s: float | None = None
        self.trouble: str | None = None
        """What went wrong last; None since the last success."""

    @property
    def ready(self) -> bool:
        return self._until_s is None or self._clock() >= self._until_s

    def failed(self, trouble: object) -> None:
        bound = min(self._cap_s, self._base_s * 2.0 ** min(self._failures, 32))
        self._failures += 1
        self._until_s = self._clock() + max(self._least_s, self._uniform(0.0, bound))
        self.trouble = str(trouble)

    def succeeded(self) -> None:
        self._failures, self._until_s, self.trouble = 0, None, None
