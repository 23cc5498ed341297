"""What there is to look at in a running gateway: each part, and how it is told that something is wrong with it."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from agent.domain.alarm import AlarmKind
from agent.domain.clock import Clock
from agent.domain.equipment import CLOCK, DISK, PROCESSOR, STORE, bus_named, notify_named, sink_named
from agent.domain.gateway_health import MachineHealth
from agent.equipment.watch import Part
from agent.notify import Follower
from agent.polling import BusLoop
from agent.store.store import Store, StoreState
from cloud_sync.uplink.forwarder import Forwarder

# Our choices: room for some hours of logs, and ten degrees below where a processor of this class slows itself down.
_LEAST_FREE_BYTES: Final = 200_000_000
_HOTTEST_C: Final = 75.0


def parts(
    loops: Iterable[BusLoop],
    forwarders: Iterable[Forwarder],
    followers: Iterable[Follower],
    store: Store,
    machine: Callable[[], MachineHealth | None],
    clock: Clock,
) -> Sequence[Part]:
    """`machine` returns the newest look at the computer, None before the first."""
    return [
        *(Part(bus_named(loop.bus.name), AlarmKind.BUS_DOWN, _of_bus(loop)) for loop in loops),
        *(
            Part(sink_named(one.status.sink), AlarmKind.SINK_BLOCKED, _of_sink(one), "delivers again")
            for one in forwarders
        ),
        *(
            Part(notify_named(one.name), AlarmKind.NOTIFY_SILENT, _of_way_out(one), "goes out again")
            for one in followers
        ),
        Part(STORE, AlarmKind.STORE_SICK, lambda: _of_store(store), "stores again"),
        Part(CLOCK, AlarmKind.CLOCK_UNKNOWN, lambda: _of_clock(clock), "is synchronised"),
        Part(DISK, AlarmKind.DISK_LOW, lambda: _of_disk(machine()), "has room again"),
        Part(PROCESSOR, AlarmKind.TOO_HOT, lambda: _of_processor(machine()), "has cooled down"),
    ]


def _of_bus(loop: BusLoop) -> Callable[[], str | None]:
    return lambda: loop.trouble or ""


def _of_sink(forwarder: Forwarder) -> Callable[[], str | None]:
    def look() -> str | None:
        status = forwarder.status
        return f"{status.state.value}: {status.last_error}" if status.needs_a_person else ""

    return look


def _of_way_out(follower: Follower) -> Callable[[], str]:
    return lambda: follower.trouble or ""


def _of_store(store: Store) -> str | None:
    return "" if store.state is StoreState.OK else f"{store.state.value}: {store.trouble or 'a damaged file is read'}"


def _of_clock(clock: Clock) -> str | None:
    return "" if clock.now().trusted else "nobody has told the time since the start: is there a way to a time server?"


def _of_disk(machine: MachineHealth | None) -> str | None:
    if machine is None or machine.disk_free_bytes is None:
        return None
    free = machine.disk_free_bytes
    return "" if free >= _LEAST_FREE_BYTES else f"only {free / 1e6:.0f} MB are free beside the ring buffer"


def _of_processor(machine: MachineHealth | None) -> str | None:
    if machine is None or machine.temperature_c is None:
        return None
    hot = machine.temperature_c
    return "" if hot < _HOTTEST_C else f"{hot:.0f} °C: is the box in the sun, or its vents blocked?"
