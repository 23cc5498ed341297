"""How a gateway is, as it tells the cloud. None always means that it cannot tell."""

from collections.abc import Sequence
from dataclasses import dataclass

from agent.domain.clock import Instant


@dataclass(frozen=True, slots=True)
class StoreHealth:
    """The ring buffer: its state in the store's own words, its trouble if any, bytes on the disk and bytes allowed,
    readings held, and days until it must give up readings that a sink has not got, if that sink stays away.
    """

    state: str
    trouble: str | None
    used_bytes: int | None
    limit_bytes: int
    readings: int | None
    days_left: float | None


@dataclass(frozen=True, slots=True)
class SinkHealth:
    """A place that the gateway delivers to. `oldest_age_s` is the age of the oldest entry that is known to wait,
    `backlog` counts readings that wait; `delivered` and `rejected` count records since the start of the process.
    """

    name: str
    state: str
    oldest_age_s: float | None
    backlog: int | None
    delivered: int
    rejected: int
    last_error: str | None


@dataclass(frozen=True, slots=True)
class MachineHealth:
    """The computer: room on the ring buffer's disk, share of all processors in use since the last look (0 to 100),
    memory of the gateway's process and memory still to be had, temperature of the processor in °C.
    """

    disk_free_bytes: int | None
    cpu_percent: float | None
    memory_used_bytes: int | None
    memory_available_bytes: int | None
    temperature_c: float | None


@dataclass(frozen=True, slots=True)
class Health:
    """`seq` grows by one with each report of the process. `uptime_s` is that of the process; `readings_per_s` is the
    mean since the report before.
    """

    seq: int
    at: Instant
    version: str
    uptime_s: float
    readings_per_s: float | None
    alarms_standing: int
    store: StoreHealth
    sinks: Sequence[SinkHealth]
    machine: MachineHealth
