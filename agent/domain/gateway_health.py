"""How the gateway itself is, once a minute. None wherever the machine cannot tell: never a guess."""

from dataclasses import dataclass

from agent.domain.clock import Instant


@dataclass(frozen=True, slots=True)
class StoreHealth:
    """The ring buffer: its files take `used_bytes` and may take `limit_bytes`.

    `days_left` is how long a sink may stay away, at the present rate, before readings that it has not got make room.
    """

    state: str
    trouble: str | None
    used_bytes: int | None
    limit_bytes: int | None
    readings: int | None
    days_left: float | None


@dataclass(frozen=True, slots=True)
class SinkHealth:
    """`backlog` entries wait, the oldest for `oldest_age_s`; the others count records since the process started."""

    name: str
    state: str
    oldest_age_s: float | None
    backlog: int | None
    delivered: int
    rejected: int
    last_error: str | None


@dataclass(frozen=True, slots=True)
class MachineHealth:
    """`cpu_percent` of all processors, since the last look; `memory_used_bytes` is the gateway's own."""

    disk_free_bytes: int | None
    cpu_percent: float | None
    memory_used_bytes: int | None
    memory_available_bytes: int | None
    temperature_c: float | None


@dataclass(frozen=True, slots=True)
class GatewayHealth:
    """One look. `seq` counts the looks of this process, which runs for `uptime_s`; `readings_per_s` is the mean since
    the last one.
    """

    seq: int
    at: Instant
    version: str
    uptime_s: float
    readings_per_s: float | None
    alarms_standing: int
    store: StoreHealth
    sinks: tuple[SinkHealth, ...]
    machine: MachineHealth
