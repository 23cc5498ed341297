"""Watches one alarm: its condition and its life, and what people do about it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf
from typing import Final, NamedTuple

from agent.alarms.chatter import REASON, SHELF_S, Chatter
from agent.alarms.condition import Delay, condition
from agent.alarms.lifecycle import after
from agent.domain.alarm import BY_ITSELF, SET_ASIDE, Alarm, AlarmState, Event, Standing
from agent.domain.clock import Instant
from agent.domain.errors import AquaError
from agent.domain.reading import CheckedReading

LONGEST_ASIDE_S: Final = 24 * 3600.0
"""An alarm that needs to be shelved for longer than a day needs another limit."""


class Refusal(AquaError):
    """An order that does not fit where the alarm stands."""


class Step(NamedTuple):
    """One event in the life of an alarm, and where it led to."""

    event: Event
    standing: Standing
    by: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """What a person, or a rule of the farm, wants of one alarm.

    `occurrence` is the one that an acknowledgement means: a late one must not hit the next. `for_s` is how long the
    alarm is to be shelved or suppressed, `of` the state that a restoring ends.
    """

    event: Event
    by: str
    reason: str | None = None
    occurrence: int | None = None
    for_s: float | None = None
    of: AlarmState | None = None


class Watch:
    """`observe` takes every reading of the alarm's sensor, `follow` every word on an alarm of equipment, `carry_out`
    what people want. `standing` is where it stands.
    """

    __slots__ = ("_chatter", "_condition", "_delay", "alarm", "standing")

    def __init__(self, alarm: Alarm) -> None:
        self.alarm = alarm
        self.standing = Standing()
        self._condition = condition(alarm)
        self._delay = Delay()
        self._chatter = Chatter()

    @property
    def because(self) -> str | None:
        """What its condition saw last, where the value alone does not say it."""
        return self._condition.because

    def observe(self, checked: CheckedReading, temperature: float | None = None) -> Sequence[Step]:
        """What this reading, in water of so many °C, and the time that has passed, changed; most often nothing."""
        return self._follow(self._condition.turns(checked, self.standing.active, temperature), checked.reading.at)

    def learn(self, checked: CheckedReading, temperature: float | None = None) -> None:
        """Let the delays know of a reading from before a restart; nothing changes by it."""
        turns = self._condition.turns(checked, self.standing.active, temperature)
        self._delay.passes(turns, checked.reading.at.boot_s, inf)

    def pause(self, at_s: float) -> None:
        """Nobody watched from then on until the next reading: that time counts for neither side."""
        self._delay.passes(None, at_s, inf)

    def follow(self, wrong: bool | None, at: Instant) -> Sequence[Step]:
        """As `observe`: whether something is `wrong` with the equipment; None: nobody can tell."""
        return self._follow(None if wrong is None else wrong != self.standing.active, at)

    def _follow(self, turns: bool | None, at: Instant) -> Sequence[Step]:
        steps = []
        if due := self._due(at.boot_s):
            reason = self._chatter.ends() if due is Event.RESTORED else None
            steps.append(self._step(due, at, BY_ITSELF, reason))
        active = self.standing.active
        if self._delay.passes(turns, at.boot_s, self.alarm.off_delay_s if active else self.alarm.on_delay_s):
            step = self._step(Event.CLEARED if active else Event.RAISED, at)
            if self._chatter.hidden is None:
                steps += [step, *self._by_itself(step, at)]
            else:
                self._chatter.hidden += not active
        return steps

    def _by_itself(self, step: Step, at: Instant) -> Iterable[Step]:
        """What a raising or clearing brings with it."""
        if self.alarm.acknowledges_itself and step.standing.state is AlarmState.RETURNED:
            yield self._step(Event.ACKNOWLEDGED, at, BY_ITSELF)
        if step.event is Event.RAISED and self._chatter.begins(at.boot_s) and step.standing.state not in SET_ASIDE:
            yield self.carry_out(Order(Event.SHELVED, BY_ITSELF, REASON, for_s=SHELF_S[self.alarm.priority]), at)
            self._chatter.hidden = 0

    def _due(self, at_s: float) -> Event | None:
        """What the time alone brings about."""
        standing, realarm_s = self.standing, self.alarm.realarm_s
        if standing.until_s is not None and at_s >= standing.until_s:
            return Event.RESTORED
        if realarm_s is not None and standing.state is AlarmState.ACKNOWLEDGED and at_s - standing.since_s >= realarm_s:
            return Event.REALARMED
        return None

    def _step(self, event: Event, at: Instant, by: str | None = None, reason: str | None = None) -> Step:
        standing = after(self.standing, event, at, self.alarm.latches)
        if standing is None:
            raise AssertionError(f"{event} in {self.standing}")
        self.standing = standing
        return Step(event, standing, by, reason)

    def carry_out(self, order: Order, at: Instant) -> Step:
        """Raises Refusal, saying why; the alarm then stands where it stood."""
        step = self.foreseen(order, at)
        self.take(step)
        return step

    def foreseen(self, order: Order, at: Instant) -> Step:
        """What the order would lead to; nothing changes by asking. Raises Refusal."""
        if why := _unfit(order, self.standing):
            raise Refusal(f"{self.alarm}: {why}")
        until_s = None if order.for_s is None else at.boot_s + order.for_s
        standing = after(self.standing, order.event, at, self.alarm.latches, until_s)
        if standing is None:
            state = self.standing.state.value
            raise Refusal(f"{self.alarm}: is {state}, where {order.event.value} means nothing")
        return Step(order.event, standing, order.by, order.reason)

    def take(self, step: Step) -> None:
        """Let what was `foreseen` come about."""
        self.standing = step.standing
        self._chatter.ends()


def _unfit(order: Order, standing: Standing) -> str | None:
    """Why the order cannot be carried out, whatever the table of states says."""
    match order.event:
        case Event.RAISED | Event.CLEARED | Event.REALARMED:
            return f"{order.event.value} is nothing that anybody can order"
        case Event.ACKNOWLEDGED if order.occurrence != standing.occurrence:
            return f"occurrence {order.occurrence} is meant, but {standing.occurrence} is the newest: look again"
        case Event.SHELVED | Event.SUPPRESSED if order.for_s is None or not 0 < order.for_s <= LONGEST_ASIDE_S:
            return f"say for how long, at most {LONGEST_ASIDE_S / 3600:g} h"
        case Event.SHELVED | Event.REMOVED if not order.reason:
            return "say why"
        case Event.RESTORED if order.of is not standing.state:
            return f"is {standing.state.value}, not {order.of.value if order.of else 'set aside'}"
    return None
