"""The way of one reading through the house, on one screen.

    polling ──Reading──▶ checks ──CheckedReading──▶ alarms ──AlarmChange──▶ alarm feed, at once
                           ▲            ├──────────────┴──▶ store, with the next commit
                           └──Reading── derivation

Nothing here waits: the feed and the store take what they are given and do their I/O elsewhere.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from agent.alarms import Order
from agent.annunciator import Annunciator
from agent.checks.sensor_checks import SensorChecks
from agent.derivation import derive, inherited
from agent.domain.alarm import Alarm, AlarmChange, AlarmKind
from agent.domain.clock import Instant
from agent.domain.farm import Derived, Equipment, Sensor
from agent.domain.reading import CheckedReading, Reading
from agent.store.learnt import Known, Learnt
from agent.store.memory import Remembered

log = logging.getLogger(__name__)

Tell = Callable[[Sequence[AlarmChange]], None]
Keep = Callable[[Iterable[CheckedReading], Sequence[AlarmChange]], None]


class Pipeline:
    """Takes readings in; `latest` holds the newest of each sensor for those who look on."""

    def __init__(
        self,
        checks: Mapping[Sensor, SensorChecks],
        alarms: Iterable[Alarm],
        keep: Keep,
        tell: Tell,
        derived: Iterable[Derived] = (),
    ) -> None:
        self._checks = checks
        self._sensors = {sensor.sensor_id: sensor for sensor in checks}
        self._recent: list[Remembered] = []
        self.annunciator = Annunciator(alarms)
        self._keep = keep
        self._tell = tell
        self._derived = tuple(derived)
        self.latest: dict[Sensor, CheckedReading] = {}

    @property
    def memory_s(self) -> float:
        """How far back the checks and the delays of alarms look, in seconds."""
        return max((*(checks.memory_s for checks in self._checks.values()), self._delays_s), default=0.0)

    @property
    def _delays_s(self) -> float:
        return max(map(self.annunciator.memory_s, self._checks), default=0.0)

    def learnt(self) -> tuple[int, Sequence[Learnt]]:
        """What all checks have learnt by now, and by how many milliseconds their time is ahead of the boot clock."""
        learnt = [Learnt(sensor, *one) for sensor, checks in self._checks.items() for one in checks.learnt()]
        return max((checks.offset_ms for checks in self._checks.values()), default=0), learnt

    def restore(self, known: Known) -> float:
        """Let the checks go on from what they had learnt; how many seconds of readings are needed all the same."""
        again = [
            f"{sensor} {name}"
            for sensor, checks in self._checks.items()
            for name in checks.restore(known.learnt.get(sensor.sensor_id, {}), known.upto, known.offset_ms, known.dated)
        ]
        if not again:
            return self._delays_s
        if known.dated:
            why = "are new, or have other limits"
        else:
            why = "cannot go on without knowing how long the machine was off"
        log.info("%d checks %s: they learn the stored readings (%s, …)", len(again), why, again[0])
        for checks in self._checks.values():
            checks.forget_newest()
        return self.memory_s

    def remember(self, past: Remembered) -> None:
        """Let a sensor's checks learn again what was stored before this start, and its alarms by `resume`; oldest
        first.
        """
        sensor = self._sensors.get(past.sensor_id)
        if sensor is None:
            return
        if past.value is not None:
            self._checks[sensor].learn_again(past.seq, past.at_s, past.value, past.quality, past.age_s)
        if past.age_s <= self.annunciator.memory_s(sensor):
            self._recent.append(past)

    def resume(self, standing: Iterable[AlarmChange], at: Instant) -> None:
        """Let every alarm stand where its last change left it, and its delays run on."""
        changes = self.annunciator.resume(standing, at)
        self.annunciator.learn(self._as_checked(past, at) for past in self._recent)
        self._recent.clear()
        self._publish([], changes)

    def _as_checked(self, past: Remembered, now: Instant) -> CheckedReading:
        at = replace(now, boot_s=past.at_s, utc_us=now.utc_us - round(past.age_s * 1e6))
        return CheckedReading(Reading(self._sensors[past.sensor_id], at, past.value), past.flag, past.quality, "", None)

    def take_in(self, readings: Iterable[Reading]) -> None:
        """Check, watch, tell, keep: everything that happens to readings of one probe's turn."""
        checked_readings: list[CheckedReading] = []
        changes: list[AlarmChange] = []
        for reading in readings:
            checked = self._checks[reading.sensor].check(reading)
            self.latest[reading.sensor] = checked
            checked_readings.append(checked)
        checked_readings += self._derive({checked.reading.sensor for checked in checked_readings})
        for checked in checked_readings:
            changes += self.annunciator.observe(checked)
        self._publish(checked_readings, changes)

    def _derive(self, arrived: set[Sensor]) -> Iterator[CheckedReading]:
        """What is computed from what has arrived, in the order of the configuration: one may build on another."""
        for derived in self._derived:
            if derived.driver in arrived:
                reading = derive(derived, self.latest)
                checked = inherited(self._checks[derived.sensor].check(reading), derived, self.latest)
                self.latest[derived.sensor] = checked
                arrived.add(derived.sensor)
                yield checked

    def follow(self, equipment: Equipment, kind: AlarmKind, wrong: bool | None, because: str, at: Instant) -> None:
        """What somebody found out about equipment: see `Annunciator.follow`."""
        self._publish([], self.annunciator.follow(equipment, kind, wrong, because, at))

    def order(self, orders: Sequence[tuple[Alarm, Order]], at: Instant) -> Sequence[AlarmChange]:
        """Carry out what a person wants of some alarms, all or none. Raises Refusal."""
        changes = self.annunciator.carry_out(orders, at)
        self._publish([], changes)
        return changes

    def _publish(self, readings: Sequence[CheckedReading], changes: Sequence[AlarmChange]) -> None:
        """Alarms are told before anything is kept."""
        if changes:
            self._tell(changes)
        if readings or changes:
            self._keep(readings, changes)
