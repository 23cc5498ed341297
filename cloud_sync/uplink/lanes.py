"""Where the lanes of one sink stand, and what their refusals say of each other."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from agent.domain.clock import Instant
from cloud_sync.uplink.batch import Batch
from cloud_sync.uplink.interfaces import Lane
from cloud_sync.uplink.slots import Slots

_NOT_METERED = (Lane.LIVE, Lane.BACKLOG, Lane.HEALTH)
# A question costs the store a little: during a drain an empty lane is not asked before every batch, and what comes
# seldom is not asked for whenever readings are stored.
_ASK_AGAIN_S = {Lane.ALERTS: 0.1, Lane.LIVE: 1.0}
_ASK_OTHERS_AGAIN_S = 5.0


@dataclass(slots=True)
class Standing:
    """Where one lane stands. Times are seconds of the boot clock.

    Nothing is sent before `due_s`; the lane was found empty and is not asked again before `ask_s`. The entries up to
    `doubtful_upto` were offered, and some of them refused, so they are offered again with later ones, or alone at
    `again_s`, or when the sink has since taken others of their topic (`taken_then`: so many batches it had when the
    doubt began). `refused_as_a_whole`: the sink refused so many that it is to blame. `oldest` is when the first of what
    is known to wait happened; `ahead` the next batch, taken while the one before it was on its way.
    """

    lane: Lane
    due_s: float = 0.0
    ask_s: float = 0.0
    doubtful_upto: int | None = None
    taken_then: int = 0
    again_s: float = 0.0
    refused_as_a_whole: bool = False
    oldest: Instant | None = None
    ahead: Batch | None = None

    def was_empty(self, now_s: float) -> None:
        self.ask_s = now_s + _ASK_AGAIN_S.get(self.lane, _ASK_OTHERS_AGAIN_S)


class Lanes:
    """Those that are served: of a `metered` link neither readings nor health, and that only where it is wanted."""

    def __init__(self, metered: bool, health: bool) -> None:
        without = {*(_NOT_METERED if metered else ()), *(() if health else (Lane.HEALTH,))}
        self._standings = {lane: Standing(lane) for lane in Lane if lane not in without}
        self._taken: Counter[str] = Counter()
        self.slots = Slots()

    def __iter__(self) -> Iterator[Standing]:
        return iter(self._standings.values())

    def in_turn(self) -> Iterator[Standing]:
        """In the order in which they may have the next slot."""
        return (self._standings[lane] for lane in self.slots.order() if lane in self._standings)

    @property
    def some_are_refused(self) -> bool:
        """Whether a lane as a whole is."""
        return any(standing.refused_as_a_whole for standing in self)

    def acknowledged(self, topic: str) -> None:
        """The sink took records of that topic, from whatever lane."""
        self._taken[topic] += 1

    def doubt(self, standing: Standing, batch: Batch, again_s: float) -> None:
        """Some of these are refused, and it is not known yet whose fault that is."""
        standing.doubtful_upto, standing.taken_then, standing.again_s = batch.upto, self._taken[batch.topic], again_s

    def proven(self, standing: Standing, batch: Batch) -> bool:
        """Whether the sink, since it refused some of these, took others of their topic, perhaps from another lane."""
        return standing.doubtful_upto is not None and self._taken[batch.topic] > standing.taken_then

    def forget_what_is_ahead(self) -> None:
        for standing in self:
            standing.ahead = None

    def news(self) -> None:
        """Something was stored: an alert or a reading."""
        for standing in self:
            if standing.lane in _ASK_AGAIN_S:
                standing.ask_s = 0.0

    def next_due_s(self, now_s: float) -> float | None:
        """Seconds until the first lane that was put off may go on; None if none was."""
        return min((standing.due_s - now_s for standing in self if standing.due_s > now_s), default=None)
