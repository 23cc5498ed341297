"""The circuit breaker of one sink: whether it is tried, with how much, and when again. Pure.

    CLOSED ──failed──▶ OPEN ──the pause is over──▶ HALF_OPEN ──acknowledged──▶ CLOSED
                        ▲───────────failed────────────┘

CLOSED sends batches, OPEN nothing, HALF_OPEN one record as a probe. The pause is drawn with full jitter: anywhere
between nothing and a bound that doubles with each failure, so that a thousand gateways that lost the same server do not
come back in the same second.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

Uniform = Callable[[float, float], float]

LOUD_AFTER = 5
"""So many failures in a row that nobody can explain are no ordinary outage."""


class Failure(Enum):
    """What a failure calls for; none of them loses anything.

    RETRIABLE passes by itself: the network, a time-out, a busy server. NEEDS_A_PERSON does not: a key, a permission, an
    address. POISON speaks against records, not against the link (`attempt` finds them). UNKNOWN is what no sink should
    raise: retried like RETRIABLE, but a person is told when it does not end.
    """

    RETRIABLE = "retriable"
    NEEDS_A_PERSON = "needs a person"
    POISON = "poison"
    UNKNOWN = "unknown"


class Circuit(Enum):
    """The three states."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between attempts.

    The bound of the jitter starts at `base_s` and doubles up to `cap_s`; no pause is shorter than `least_s`, however
    the dice fall. A sink's own wish is heeded up to `longest_pause_s`; what needs a person is probed every `probe_s`.
    """

    base_s: float = 0.5
    cap_s: float = 60.0
    least_s: float = 0.1
    longest_pause_s: float = 600.0
    probe_s: float = 60.0


DEFAULT_PACE = Pace()


@dataclass(frozen=True, slots=True)
class Breaker:
    """One state and what led to it; each event returns the next. Raises ValueError for an event that cannot be.

    `failures` counts since the last acknowledged send, `unexplained` those in a row that were UNKNOWN. While OPEN,
    nothing is tried before `until_s` (boot clock).
    """

    pace: Pace = DEFAULT_PACE
    circuit: Circuit = Circuit.CLOSED
    failures: int = 0
    unexplained: int = 0
    until_s: float | None = None

    @property
    def is_loud(self) -> bool:
        return self.unexplained >= LOUD_AFTER

    def acknowledged(self) -> "Breaker":
        """The sink took records. That it could merely be opened proves nothing."""
        self._must_not_be(Circuit.OPEN)
        return Breaker(self.pace)

    def failed(self, failure: Failure, now_s: float, uniform: Uniform, wish_s: float = 0.0) -> "Breaker":
        """An attempt failed; `wish_s` is the pause that the sink asked for. `uniform` is drawn from at most once."""
        self._must_not_be(Circuit.OPEN)
        if failure is Failure.POISON:
            return replace(self, circuit=Circuit.CLOSED)  # it answers; the count stays until it takes something
        if failure is Failure.NEEDS_A_PERSON:
            return replace(self, circuit=Circuit.OPEN, unexplained=0, until_s=now_s + self.pace.probe_s)
        bound = min(self.pace.cap_s, self.pace.base_s * 2.0 ** min(self.failures, 32))
        pause_s = max(self.pace.least_s, uniform(0.0, bound), min(wish_s, self.pace.longest_pause_s))
        unexplained = self.unexplained + 1 if failure is Failure.UNKNOWN else 0
        return Breaker(self.pace, Circuit.OPEN, self.failures + 1, unexplained, now_s + pause_s)

    def pause_s(self, now_s: float) -> float:
        """How long nothing is to be tried from now on; 0 unless OPEN."""
        return max(0.0, self.until_s - now_s) if self.until_s is not None else 0.0

    def rested(self, now_s: float) -> "Breaker":
        """HALF_OPEN once the pause is over."""
        if self.circuit is not Circuit.OPEN or self.pause_s(now_s) > 0:
            return self
        return replace(self, circuit=Circuit.HALF_OPEN, until_s=None)

    def most(self, limit: int) -> int:
        """How many of `limit` records may be offered at once now."""
        return {Circuit.CLOSED: limit, Circuit.HALF_OPEN: 1, Circuit.OPEN: 0}[self.circuit]

    def _must_not_be(self, circuit: Circuit) -> None:
        if self.circuit is circuit:
            raise ValueError(f"nothing can be sent while the circuit is {circuit.value}")
