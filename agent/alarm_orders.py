"""What people want of alarms, as it comes in from a command or over MQTT, made into orders or refused with a reason.

    {"do": "ack", "alarm": "tank-1/do-1/oxygen/low", "occurrence": 3, "by": "Ana"}
    {"do": "ack", "alarm": …, "pressed": "2026-11-23T12:00:00+00:00", "by": "Home Assistant"}    what a button can know
    {"do": "shelve", "alarm": …, "minutes": 30, "reason": "probe in the bucket", "by": "Ana"}
    {"do": "unshelve" | "reset" | "return", "alarm": …, "by": "Ana"}
    {"do": "remove", "alarm": …, "reason": "no probe until spring", "by": "Ana"}     taken out of service until returned
    {"do": "maintenance", "tank": "tank-1", "probe": "do-1", "rule": "cleaning", "minutes": 20, "by": "Ana"}
    {"do": "end-maintenance", "tank": "tank-1", "probe": "do-1", "by": "Ana"}

Without `probe` maintenance is of the whole tank. A message may carry an `id`, which the result then has, too.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any, Final

from agent.alarms import Order, Refusal
from agent.annunciator import Annunciator
from agent.domain.alarm import Alarm, AlarmState, Event, Priority
from agent.domain.clock import Instant
from agent.domain.farm import Sensor

Orders = Sequence[tuple[Alarm, Order]]

_LONGEST_TEXT: Final = 200
_OPTIONAL: Final = ("id", "by", "reason")
_FRESH_S: Final = 60.0
_CLOCKS_DIFFER_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Rule:
    """A designed suppression: which alarms of the tank or probe it silences, and for how long at most."""

    silences: Callable[[Alarm], bool]
    longest_minutes: float


RULES: Final[Mapping[str, Rule]] = {
    # Fed fish breathe more and stir the water, so warnings are expected; what is critical is so while feeding, too.
    "feeding": Rule(lambda alarm: alarm.priority is not Priority.CRITICAL, 60),
    "cleaning": Rule(lambda alarm: True, 240),
    "calibration": Rule(lambda alarm: True, 240),
}


def orders(request: Mapping[str, Any], annunciator: Annunciator, at: Instant) -> Orders:
    """Raises Refusal, saying what is wrong with the request; `at` is now."""
    verb = request.get("do")
    if not isinstance(verb, str) or verb not in _VERBS:
        raise Refusal(f"do = {verb!r}: use one of {', '.join(_VERBS)}")
    keys, make = _VERBS[verb]
    if unknown := request.keys() - {"do", *keys, *_OPTIONAL}:
        raise Refusal(f"{verb} knows no {', '.join(sorted(unknown))}: use {', '.join((*keys, *_OPTIONAL))}")
    return make(_Request(verb, request, at), annunciator)


class _Request:
    """The fields of a request, each of the type it must have."""

    def __init__(self, verb: str, fields: Mapping[str, Any], at: Instant) -> None:
        self._verb = verb
        self._fields = fields
        self.at = at

    def text(self, key: str, otherwise: str | None = None) -> str:
        found = self._fields.get(key, otherwise)
        if not isinstance(found, str) or not found.strip() or len(found) > _LONGEST_TEXT or not found.isprintable():
            raise Refusal(f"{self._verb} needs {key}: a text of at most {_LONGEST_TEXT} letters, not {found!r:.50}")
        return found

    def maybe(self, key: str) -> str | None:
        return None if self._fields.get(key) is None else self.text(key)

    def has(self, key: str) -> bool:
        return key in self._fields

    def whole(self, key: str) -> int:
        found = self._fields.get(key)
        if not isinstance(found, int) or isinstance(found, bool) or found < 0:
            raise Refusal(f"{self._verb} needs {key}: a whole number, not {found!r:.50}")
        return found

    def minutes(self, most: float) -> float:
        found = self._fields.get("minutes")
        number = isinstance(found, int | float) and not isinstance(found, bool) and isfinite(found)
        if not number or not 0 < found <= most:  # type: ignore[operator]
            raise Refusal(f"{self._verb} needs minutes: a number up to {most:g}, not {found!r:.50}")
        return float(found)  # type: ignore[arg-type]

    def age_s(self, key: str) -> float:
        """How long ago that time was, an ISO 8601 text with its time zone; it must be fresh."""
        text = self.text(key)
        try:
            at = datetime.fromisoformat(text)
        except ValueError as error:
            raise Refusal(f"{key} = {text!r} is no time such as 2026-11-23T12:00:00+00:00") from error
        if at.tzinfo is None:
            raise Refusal(f"{key} = {text!r} lacks its time zone: {text}+00:00, if it is UTC")
        age_s = self.at.utc_us / 1e6 - at.timestamp()
        if not -_CLOCKS_DIFFER_S <= age_s <= _FRESH_S:
            raise Refusal(f"{key} was {age_s:.0f} s ago by the gateway's clock: too late, or the clocks differ")
        return age_s

    @property
    def by(self) -> str:
        return self.text("by")


def _one(event: Event, of: AlarmState | None = None) -> Callable[[_Request, Annunciator], Orders]:
    """Of an order to one alarm that needs nothing but who gave it, and perhaps why."""

    def made(request: _Request, annunciator: Annunciator) -> Orders:
        alarm = annunciator.named(request.text("alarm"))
        return [(alarm, Order(event, request.by, request.maybe("reason"), of=of))]

    return made


def _acknowledge(request: _Request, annunciator: Annunciator) -> Orders:
    alarm = annunciator.named(request.text("alarm"))
    pressed = request.has("pressed")
    occurrence = _seen_when_pressed(request, annunciator, alarm) if pressed else request.whole("occurrence")
    return [(alarm, Order(Event.ACKNOWLEDGED, request.by, request.maybe("reason"), occurrence))]


def _seen_when_pressed(request: _Request, annunciator: Annunciator, alarm: Alarm) -> int:
    """The newest occurrence, if it was there already when somebody pressed the button."""
    age_s = request.age_s("pressed")
    standing = annunciator.standing(alarm)
    boot_id, _, raised_ms = standing.raised.partition("/")
    if boot_id == request.at.boot_id and request.at.boot_s - int(raised_ms) / 1000 < age_s:
        raise Refusal(f"{alarm}: was raised after the button was pressed: look again")
    return standing.occurrence


def _shelve(request: _Request, annunciator: Annunciator) -> Orders:
    alarm = annunciator.named(request.text("alarm"))
    return [(alarm, Order(Event.SHELVED, request.by, request.text("reason"), for_s=60 * request.minutes(1440)))]


def _maintenance(request: _Request, annunciator: Annunciator) -> Orders:
    name = request.text("rule")
    if name not in RULES:
        raise Refusal(f"rule = {name!r}: use one of {', '.join(RULES)}")
    rule = RULES[name]
    reason = name if (told := request.maybe("reason")) is None else f"{name}: {told}"
    order = Order(Event.SUPPRESSED, request.by, reason, for_s=60 * request.minutes(rule.longest_minutes))
    found = [
        (alarm, order)
        for alarm, state in _served(request, annunciator)
        if rule.silences(alarm) and state not in (AlarmState.SHELVED, AlarmState.OUT_OF_SERVICE)
    ]
    return found or _nothing("to suppress that is not shelved or out of service already")


def _end_maintenance(request: _Request, annunciator: Annunciator) -> Orders:
    order = Order(Event.RESTORED, request.by, request.maybe("reason"), of=AlarmState.SUPPRESSED)
    found = [(alarm, order) for alarm, state in _served(request, annunciator) if state is AlarmState.SUPPRESSED]
    return found or _nothing("that is suppressed")


def _nothing(what: str) -> Orders:
    raise Refusal(f"there is no alarm {what}")


def _served(request: _Request, annunciator: Annunciator) -> list[tuple[Alarm, AlarmState]]:
    """The alarms of the sensors of the tank, or of one probe in it, and where they stand."""
    tank, probe = request.text("tank"), request.maybe("probe")
    found = [
        (watch.alarm, watch.standing.state)
        for watch in annunciator.watches
        if isinstance(source := watch.alarm.source, Sensor)
        and source.tank.name == tank
        and probe in (None, source.probe)
    ]
    if not found:
        raise Refusal(f"no alarm watches {tank}" + (f"/{probe}" if probe else ""))
    return found


_VERBS: Final[Mapping[str, tuple[tuple[str, ...], Callable[[_Request, Annunciator], Orders]]]] = {
    "ack": (("alarm", "occurrence", "pressed"), _acknowledge),
    "shelve": (("alarm", "minutes"), _shelve),
    "unshelve": (("alarm",), _one(Event.RESTORED, AlarmState.SHELVED)),
    "reset": (("alarm",), _one(Event.RESET)),
    "remove": (("alarm",), _one(Event.REMOVED)),
    "return": (("alarm",), _one(Event.RESTORED, AlarmState.OUT_OF_SERVICE)),
    "maintenance": (("tank", "probe", "rule", "minutes"), _maintenance),
    "end-maintenance": (("tank", "probe"), _end_maintenance),
}
