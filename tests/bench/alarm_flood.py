"""An alarm flood: 500 sensors cross their limits in one second and chatter at 1 Hz for an hour of simulated time.

    python -m tests.bench.alarm_flood

Says how many changes are told, of how many that happened, whether they are in order, how many come in any ten minutes,
and what memory grows by in the last half hour.
"""

import gc
import tracemalloc
from dataclasses import replace
from uuid import UUID

from agent.alarm_metrics import AlarmMetrics
from agent.annunciator import Annunciator
from agent.domain.alarm import Alarm, Event, Priority
from agent.domain.farm import Sensor
from agent.domain.quantity import Quantity
from tests.agent.farm import NOON_US, TANK, alarm, checked
from tests.clock import FakeClock

SENSORS, SECONDS = 500, 3600


def sensor(n: int) -> Sensor:
    return Sensor(UUID(int=n), TANK, f"do-{n}", "oxygen", Quantity.DISSOLVED_OXYGEN, None)


def main() -> None:
    sensors = [sensor(n) for n in range(SENSORS)]
    at_once = replace(alarm(on_delay_s=0, off_delay_s=0), priority=Priority.WARNING)
    alarms: list[Alarm] = [replace(at_once, source=one) for one in sensors]
    clock = FakeClock(NOON_US, 0.0)
    annunciator, metrics = Annunciator(alarms), AlarmMetrics(clock)
    told = raised = shelved = 0
    last_seq, ordered, half_way = 0, True, 0
    tracemalloc.start()
    for second in range(SECONDS):
        for one in sensors:
            changes = annunciator.observe(checked(float(second), 7.0 if second % 2 else 5.0, sensor=one))
            metrics.count(changes)
            for change in changes:
                ordered = ordered and change.seq > last_seq
                last_seq = change.seq
                told += 1
                raised += change.event is Event.RAISED
                shelved += change.event is Event.SHELVED
        clock.advance(1.0)
        if second == SECONDS // 2:
            gc.collect()
            half_way = tracemalloc.get_traced_memory()[0]
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - half_way
    happened = SENSORS * SECONDS
    print(
        f"{happened:,} crossings of a limit: {told:,} changes told, {raised:,} of them raisings, {shelved:,} shelvings"
    )
    print(
        f"in order: {ordered}; most raisings in ten minutes: {metrics.told(annunciator.watches)['most_per_10_min']:,}"
    )
    print(f"memory grows by {round(grown / 1e3)} kB in the last half hour")


if __name__ == "__main__":
    main()
