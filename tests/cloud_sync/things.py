"""A small farm and what it measured."""

from uuid import UUID

from agent.domain.alarm import Alarm, AlarmChange, AlarmKind, Priority
from agent.domain.clock import Instant
from agent.domain.farm import Sensor, Tank
from agent.domain.gateway_health import GatewayHealth, MachineHealth, SinkHealth, StoreHealth
from agent.domain.quantity import Quantity
from agent.domain.reading import CheckedReading, Flag, Gap, Reading, Rollup, StoredReading
from cloud_sync.contract.record import Record
from cloud_sync.contract.records import record
from tests.alarms import told

GATEWAY = "farm-1"
EPOCH = "epoch-a"
NOON_US = 1_795_435_200_000_000  # 2026-11-23T12:00:00Z
MIDNIGHT_US = NOON_US + 12 * 3600 * 1_000_000
TANK = Tank("tank-3", UUID(int=3))
OXYGEN = Sensor(UUID(int=31), TANK, "do-1", "oxygen", Quantity.DISSOLVED_OXYGEN, None)
WARMTH = Sensor(UUID(int=32), TANK, "do-1", "temperature", Quantity.TEMPERATURE, None)


def instant(utc_us: int = NOON_US) -> Instant:
    return Instant(utc_us, 12.5, "boot-a", True)


def reading(seq: int, utc_us: int | None = None, value: float | None = 7.25, sensor: Sensor = OXYGEN) -> StoredReading:
    at = instant(NOON_US + seq * 1000 if utc_us is None else utc_us)
    flag = Flag.MISSING if value is None else Flag.GOOD
    because = "no reply in 1.0 s" if value is None else None
    return StoredReading(seq, CheckedReading(Reading(sensor, at, value, because), flag, 1.0, "11111", because), EPOCH)


def change(seq: int, active: bool = True, occurrence: int = 1, raised: str = "boot-a/12500") -> AlarmChange:
    alarm = Alarm(OXYGEN, AlarmKind.CRITICAL_LOW, Priority.CRITICAL, 4.0, 0.3, 30.0, 60.0)
    return told(seq, alarm, active, occurrence, raised, instant(NOON_US + seq), 3.9, "oxygen is low")


def gap(seq: int, count: int | None = 100) -> Gap:
    return Gap(seq, "archive", 100, 199, NOON_US, NOON_US + 5, count, "the ring buffer was full", EPOCH)


def rollup(seq: int) -> Rollup:
    return Rollup(seq, OXYGEN, NOON_US, True, 100, 159, 60, 58, 6.5, 7.0, 7.25, Flag.SUSPECT, 0.9, EPOCH)


def records(first: int, last: int) -> list[Record]:
    """Readings with sequence numbers `first` to `last`."""
    return [record(reading(seq), GATEWAY) for seq in range(first, last + 1)]


def health(seq: int) -> GatewayHealth:
    store = StoreHealth("ok", None, 120_000_000, 500_000_000, 4_000_000, 41.5)
    sinks = (
        SinkHealth("archive", "idle", None, 0, 460, 0, None),
        SinkHealth("cloud", "waiting", 60.5, 7, 0, 0, "away"),
    )
    machine = MachineHealth(9_000_000_000, 12.5, 60_000_000, None, None)
    return GatewayHealth(seq, instant(NOON_US + seq), "0.1.0", 3600.5, 19.5, 1, store, sinks, machine)
