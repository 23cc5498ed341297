"""How long to wait before the next attempt.

Full jitter: anywhere between nothing and a bound that doubles with each failure, so that a thousand gateways that
lost the same server do not come back in the same second.
"""

from collections.abc import Callable
from dataclasses import dataclass

Uniform = Callable[[float, float], float]


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between attempts.

    The bound of the jitter starts at `base_s` and doubles up to `cap_s`; a sink's own wish is heeded up to
    `longest_pause_s`; a misconfigured sink is probed every `probe_s`.
    """

    base_s: float = 0.5
    cap_s: float = 60.0
    longest_pause_s: float = 600.0
    probe_s: float = 60.0


DEFAULT_PACE = Pace()


class Backoff:
    """Counts the failures since the last acknowledged delivery."""

    def __init__(self, pace: Pace, uniform: Uniform) -> None:
        self._pace = pace
        self._uniform = uniform
        self._failures = 0

    def delay_s(self, at_least_s: float = 0.0) -> float:
        """The pause after one more failure; `at_least_s` is what the sink asked for."""
        bound = min(self._pace.cap_s, self._pace.base_s * 2.0 ** min(self._failures, 32))
        self._failures += 1
        return max(self._uniform(0.0, bound), min(at_least_s, self._pace.longest_pause_s))

    def reset(self) -> None:
        """Only for an acknowledged delivery: a sink that merely opens proves nothing."""
        self._failures = 0
