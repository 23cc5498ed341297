"""The alarms of the gateway's own parts: buses, sinks, ways of notification, store, clock, disk and processor."""

from collections.abc import Iterable

from agent.domain.alarm import Alarm, AlarmKind, Priority
from agent.domain.equipment import CLOCK, DISK, FEED, PROCESSOR, STORE, bus_named, notify_named, sink_named

# Our choice. A dead bus blinds every tank on it. Without internet the clock may never be set, which harms nobody soon.
_OWN = (
    (STORE, AlarmKind.STORE_SICK, Priority.WARNING, 5.0),
    (CLOCK, AlarmKind.CLOCK_UNKNOWN, Priority.ADVISORY, 900.0),
    (DISK, AlarmKind.DISK_LOW, Priority.WARNING, 60.0),
    (PROCESSOR, AlarmKind.TOO_HOT, Priority.WARNING, 60.0),
    (FEED, AlarmKind.FEED_SILENT, Priority.WARNING, 60.0),
)
_BUS_DOWN_S, _SINK_BLOCKED_S, _NOTIFY_SILENT_S, _BACK_S = 10.0, 60.0, 60.0, 10.0


def equipment_alarms(buses: Iterable[str], sinks: Iterable[str], notify: Iterable[str] = ()) -> list[Alarm]:
    """One alarm a bus, sink and way of notification of these names, and those of the gateway itself."""
    conditions = [(bus_named(bus), AlarmKind.BUS_DOWN, Priority.CRITICAL, _BUS_DOWN_S) for bus in buses]
    conditions += [(sink_named(sink), AlarmKind.SINK_BLOCKED, Priority.WARNING, _SINK_BLOCKED_S) for sink in sinks]
    conditions += [(notify_named(way), AlarmKind.NOTIFY_SILENT, Priority.WARNING, _NOTIFY_SILENT_S) for way in notify]
    test = Alarm(FEED, AlarmKind.FEED_TEST, Priority.ADVISORY, None, 0.0, 0.0, 0.0, acknowledges_itself=True)
    return [
        *(
            Alarm(equipment, kind, priority, None, 0.0, on_delay_s, _BACK_S)
            for equipment, kind, priority, on_delay_s in (*conditions, *_OWN)
        ),
        test,
    ]
