"""A small farm: one tank, one probe with two sensors, and what can be said of them."""

from collections.abc import Sequence
from uuid import UUID

from agent.checks import CHECKS, spike
from agent.domain.alarm import Alarm, AlarmChange, AlarmKind, Priority
from agent.domain.clock import Instant
from agent.domain.delivery import Entry
from agent.domain.farm import Probe, Sensor, Span, Tank
from agent.domain.quantity import Quantity
from agent.domain.reading import CheckedReading, Flag, Reading, StoredReading
from agent.store.store import Store
from cloud_sync.uplink.interfaces import Lane, Rejection
from tests.alarms import told

NOON_US = 1_795_435_200_000_000  # 2026-11-23T12:00:00Z
BOOT = "00000000-0000-4000-8000-000000000001"
TANK = Tank("tank-1", UUID(int=1))
OXYGEN = Sensor(UUID(int=11), TANK, "do-1", "oxygen", Quantity.DISSOLVED_OXYGEN, Span(0, 20))
WARMTH = Sensor(UUID(int=12), TANK, "do-1", "temperature", Quantity.TEMPERATURE, Span(-5, 50))
PROBE = Probe("do-1", TANK, "rs485", "any", 1, 5.0, (OXYGEN, WARMTH))
JUMPY = spike.Limits(0.76, 2.28)


def at(boot_s: float, utc_us: int | None = None, boot_id: str = BOOT, trusted: bool = True) -> Instant:
    """An instant of that boot time; noon was at boot second 0."""
    return Instant(NOON_US + round(boot_s * 1e6) if utc_us is None else utc_us, boot_s, boot_id, trusted)


def reading(boot_s: float, value: float | None, sensor: Sensor = OXYGEN) -> Reading:
    return Reading(sensor, at(boot_s), value, "no reply in 0.5 s" if value is None else None)


def checked(
    boot_s: float,
    value: float | None,
    flag: Flag = Flag.GOOD,
    sensor: Sensor = OXYGEN,
    moment: Instant | None = None,
    because: str | None = None,
) -> CheckedReading:
    """As the checks would have said it; no value is always missing."""
    because = "no reply in 0.5 s" if value is None else because
    flag = Flag.MISSING if value is None else flag
    found = Reading(sensor, moment or at(boot_s), value, because if value is None else None)
    quality = {Flag.MISSING: 0.0, Flag.FAIL: 0.1, Flag.SUSPECT: 0.75}.get(flag, 1.0)
    return CheckedReading(found, flag, quality, ("9" if value is None else "1") * len(CHECKS), because)


def several(first: int, count: int, size: int = 0) -> list[CheckedReading]:
    """Readings whose values are `first`, `first` + 1, …; each with a reason of `size` letters."""
    return [checked(float(n), float(n), because="x" * size or None) for n in range(first, first + count)]


def values(stored: Sequence[CheckedReading]) -> list[float | None]:
    return [one.reading.value for one in stored]


def alarm(
    kind: AlarmKind = AlarmKind.LOW,
    limit: float | None = 6.0,
    deadband: float = 0.3,
    on_delay_s: float = 10.0,
    off_delay_s: float = 20.0,
) -> Alarm:
    return Alarm(OXYGEN, kind, Priority.CRITICAL, limit, deadband, on_delay_s, off_delay_s)


NO_DATA = alarm(AlarmKind.NO_VALID_DATA, None, 0.0, 60.0, 0.0)


def change(seq: int, active: bool = True, occurrence: int = 1, which: Alarm | None = None) -> AlarmChange:
    message = "tank-1: DissolvedOxygen 5.80 mg/L is below 6"
    return told(seq, which or alarm(), active, occurrence, f"{BOOT}/1000", at(1.0), 5.8, message)


async def filled(store: Store, first: int = 1, count: int = 50) -> Store:
    """The store after a commit of readings whose values begin at `first`, and one alarm change."""
    store.put(several(first, count), [change(first)])
    await store.commit()
    return store


async def held(store: Store) -> list[float | None]:
    """The values of everything that waits for the archive."""
    return values([stored.checked for stored in await waiting(store)])


async def waiting(store: Store, sink: str = "archive", limit: int = 100_000) -> list[StoredReading]:
    """Every reading that waits for the sink, on whichever lane."""
    taken = [await store.take(sink, lane, limit) for lane in (Lane.BACKLOG, Lane.LIVE)]
    return [entry for one in taken for entry in one.entries if isinstance(entry, StoredReading)]


async def others(store: Store, lane: Lane, sink: str = "archive") -> Sequence[Entry]:
    """What waits for the sink on one of the other lanes."""
    return (await store.take(sink, lane, 100_000)).entries


async def settle(store: Store, sink: str, upto: int, rejected: Sequence[Rejection] = ()) -> None:
    """The sink has every reading up to that number."""
    await store.settle(sink, Lane.BACKLOG, 0, upto, rejected)


def counting(first: int, last: int) -> list[float]:
    return [float(n) for n in range(first, last + 1)]
