"""Every alarm of the farm: what is heard goes to those it concerns, and what becomes of them into numbered changes."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from difflib import get_close_matches

from agent.alarm_messages import sentence
from agent.alarms import Order, Refusal, Step, Watch
from agent.domain.alarm import Alarm, AlarmChange, AlarmKind, Event, Standing
from agent.domain.clock import Instant
from agent.domain.farm import Equipment, Sensor
from agent.domain.reading import CheckedReading, Flag
from agent.warmth import Warmth


class Annunciator:
    """Knows where every alarm stands, and in `last` the newest change of each that ever had one, by name."""

    def __init__(self, alarms: Iterable[Alarm]) -> None:
        self._watches = {str(alarm): Watch(alarm) for alarm in alarms}
        self._of: defaultdict[Sensor | Equipment, list[Watch]] = defaultdict(list)
        for watch in self._watches.values():
            self._of[watch.alarm.source].append(watch)
        self._warmth = Warmth()
        self._last_seq = 0
        self.last: dict[str, AlarmChange] = {}

    @property
    def watches(self) -> Iterable[Watch]:
        """All there are, in the order of the configuration."""
        return self._watches.values()

    def named(self, name: str) -> Alarm:
        """The alarm `<tank>/<probe>/<sensor>/<kind>`. Raises Refusal, naming similar ones."""
        if name in self._watches:
            return self._watches[name].alarm
        near = get_close_matches(name, self._watches, n=3, cutoff=0.4)
        raise Refusal(f"no alarm is called {name!r}" + (f": did you mean {' or '.join(near)}?" if near else ""))

    def standing(self, alarm: Alarm) -> Standing:
        """Where one of them stands."""
        return self._watches[str(alarm)].standing

    def observe(self, checked: CheckedReading) -> Sequence[AlarmChange]:
        """What a reading changes."""
        changes: list[AlarmChange] = []
        reading = checked.reading
        self._warmth.learn(checked)
        for watch in self._of[reading.sensor]:
            warmth = self._warmth.of(reading.sensor.tank, reading.at) if _by_warmth(watch.alarm) else None
            for step in watch.observe(checked, warmth):
                alarm = _in_water_of(warmth, watch.alarm)
                because = step.reason if step.by else watch.because or checked.because
                message = sentence(alarm, step.event, reading.value, because, step.by, warmth)
                changes.append(self._change(alarm, step, reading.at, reading.value, checked.flag, message))
        return changes

    def memory_s(self, sensor: Sensor) -> float:
        """How far back `learn` needs its readings, in seconds: as long as the delays of its alarms."""
        delays = [max(watch.alarm.on_delay_s, watch.alarm.off_delay_s) for watch in self._of.get(sensor, ())]
        return max(delays, default=0.0)

    def learn(self, past: Iterable[CheckedReading]) -> None:
        """After `resume`: let the delays go on that ran before a restart. Oldest first, times on the present boot."""
        newest: dict[Sensor, float] = {}
        for checked in past:
            sensor, at = checked.reading.sensor, checked.reading.at
            self._warmth.learn(checked)
            newest[sensor] = at.boot_s
            for watch in self._of[sensor]:
                watch.learn(checked, self._warmth.of(sensor.tank, at))
        for sensor, at_s in newest.items():
            for watch in self._of[sensor]:
                watch.pause(at_s)

    def follow(
        self, equipment: Equipment, kind: AlarmKind, wrong: bool | None, because: str, at: Instant
    ) -> Sequence[AlarmChange]:
        """What it changes that something is `wrong` with the equipment, or is not, or (None) that nobody can tell."""
        changes: list[AlarmChange] = []
        for watch in self._of[equipment]:
            if watch.alarm.kind is kind:
                for step in watch.follow(wrong, at):
                    message = sentence(watch.alarm, step.event, None, step.reason if step.by else because, step.by)
                    changes.append(self._change(watch.alarm, step, at, None, Flag.NOT_EVALUATED, message))
        return changes

    def carry_out(self, orders: Sequence[tuple[Alarm, Order]], at: Instant) -> Sequence[AlarmChange]:
        """All of them, or none: raises Refusal, saying why."""
        watches = [(self._watches[str(alarm)], order) for alarm, order in orders]
        changes = []
        for watch, step in [(watch, watch.foreseen(order, at)) for watch, order in watches]:
            watch.take(step)
            message = sentence(watch.alarm, step.event, None, step.reason, step.by)
            changes.append(self._change(watch.alarm, step, at, None, Flag.NOT_EVALUATED, message))
        return changes

    def resume(self, standing: Iterable[AlarmChange], at: Instant) -> Sequence[AlarmChange]:
        """Let every alarm stand where its last change left it; those that nobody watches any more are cleared."""
        known = {str(change.alarm): change for change in standing}
        self._last_seq = max((change.seq for change in known.values()), default=0)
        self.last = {name: change for name, change in known.items() if name in self._watches}
        for name, watch in self._watches.items():
            if change := known.pop(name, None):
                watch.standing = _on_this_boot(change, at)
        return [self._gone(change, at) for change in known.values() if change.standing.active]

    def _gone(self, left: AlarmChange, at: Instant) -> AlarmChange:
        """It would stand for ever: its sensor or limit was taken out of the configuration."""
        old = left.standing
        step = Step(Event.CLEARED, Standing(occurrence=old.occurrence, raised=old.raised))
        message = f"{left.alarm} is not configured any more and was cleared for that"
        return self._change(left.alarm, step, at, None, Flag.NOT_EVALUATED, message)

    def _change(
        self, alarm: Alarm, step: Step, at: Instant, value: float | None, flag: Flag, message: str
    ) -> AlarmChange:
        # Wall time in the number keeps it growing even when the log of earlier changes cannot be read.
        self._last_seq = max(self._last_seq + 1, at.utc_us)
        change = AlarmChange(
            self._last_seq, alarm, step.event, step.standing, at, value, flag, message, step.by, step.reason
        )
        self.last[str(alarm)] = change
        return change


def _by_warmth(alarm: Alarm) -> bool:
    return bool(alarm.by_temperature) or alarm.kind is AlarmKind.FORECAST


def _in_water_of(warmth: float | None, alarm: Alarm) -> Alarm:
    """The alarm with the limit that counts in water of so many °C."""
    return replace(alarm, limit=alarm.limit_at(warmth)) if alarm.by_temperature else alarm


def _on_this_boot(change: AlarmChange, now: Instant) -> Standing:
    """Where the alarm stands, with times on the present boot clock. Where nobody can tell how long it was shelved for
    since, it comes back: rather an alarm too many.
    """
    standing = change.standing
    if change.at.boot_id == now.boot_id:
        return standing
    if standing.until_s is None:
        return replace(standing, since_s=now.boot_s)
    left_s = 0.0
    if change.until_us is not None and change.at.trusted and now.trusted:
        left_s = (change.until_us - now.utc_us) / 1e6
    return replace(standing, since_s=now.boot_s, until_s=now.boot_s + left_s)
