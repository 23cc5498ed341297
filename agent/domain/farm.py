"""The farm as configured: tanks, buses, probes and sensors."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from uuid import UUID

from agent.domain.quantity import Quantity


@dataclass(frozen=True, slots=True)
class Tank:
    """A body of water with fish in it."""

    name: str
    tank_id: UUID


@dataclass(frozen=True, slots=True)
class Span:
    """A closed range in canonical units."""

    low: float
    high: float


@dataclass(frozen=True, slots=True, eq=False)
class Sensor:
    """One measured channel of a probe; compared by identity, since there is one object a sensor.

    `channel` is the channel's name in the probe's profile. `span` is what the probe can measure at all (its
    manual's range): a value outside is not a measurement.
    """

    sensor_id: UUID
    tank: Tank
    probe: str
    channel: str
    quantity: Quantity
    span: Span | None

    def __str__(self) -> str:
        return f"{self.tank.name}/{self.probe}/{self.channel}"


@dataclass(frozen=True, slots=True)
class Equipment:
    """What can fail and is no sensor: `part` says what it is (bus, sink, …), `name` which one; with `tank` if it serves
    one alone.
    """

    part: str
    name: str
    tank: Tank | None = None

    def __str__(self) -> str:
        return f"{self.tank.name if self.tank else GATEWAY}/{self.part}/{self.name}"


GATEWAY = "gateway"
"""Stands where the tank's name would, for equipment that serves all of them; no tank may be called so."""


class Protocol(Enum):
    """What is spoken on a bus."""

    MODBUS_RTU = "modbus-rtu"
    MODBUS_TCP = "modbus-tcp"
    MODBUS_RTU_OVER_TCP = "modbus-rtu-over-tcp"
    SERIAL_TEXT = "serial-text"
    SDI_12 = "sdi-12"
    ONE_WIRE = "1-wire"
    TEXT_STREAM = "text-stream"


MODBUS = frozenset({Protocol.MODBUS_RTU, Protocol.MODBUS_TCP, Protocol.MODBUS_RTU_OVER_TCP})


@dataclass(frozen=True, slots=True)
class SerialLine:
    """A serial port: a device path and how its bytes are framed. `parity` is N, E or O."""

    device: str
    baud: int = 9600
    parity: str = "N"
    stop_bits: int = 1
    data_bits: int = 8


@dataclass(frozen=True, slots=True)
class TcpEndpoint:
    """A Modbus TCP device, or a serial server. None: a connection may take as long as an answer."""

    host: str
    port: int = 502
    connect_timeout_s: float | None = None


@dataclass(frozen=True, slots=True)
class Folder:
    """Where the kernel shows the devices of a bus as files."""

    path: str


@dataclass(frozen=True, slots=True)
class BusSettings:
    """One line on which one request runs at a time.

    `timeout_s` is how long a probe may take to begin and finish its answer. `quiet_s` is how long the line stays
    silent after a failed request, so that a late reply cannot answer the next question.
    """

    name: str
    protocol: Protocol
    port: SerialLine | TcpEndpoint | Folder
    timeout_s: float = 0.5
    quiet_s: float = 0.3


Unit = int | str
"""A device's address on its bus: a number on Modbus, 0 where a bus has no addresses, elsewhere as it is written."""


@dataclass(frozen=True, slots=True)
class Compensation:
    """A sensor of the same tank whose value a probe's device, or a formula, computes with, if it is at most `max_age_s`
    old.
    """

    sensor: Sensor
    max_age_s: float


@dataclass(frozen=True, slots=True, eq=False)
class Derived:
    """A sensor that no probe has: computed by the formula of that name (`agent.derivation`) from what it takes.

    `inputs` by the formula's names for them: sensors of the same tank, with how old their values may be, or constants.
    The first is a sensor, and whenever it is read, every `period_s` seconds, this one is computed.
    """

    sensor: Sensor
    formula: str
    inputs: Mapping[str, Compensation | float]
    driver: Sensor
    period_s: float


DERIVED = "derived"
"""Stands where the probe's name would, for sensors that are computed; no probe may be called so."""


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """A device on a bus, at the address `unit`."""

    name: str
    tank: Tank
    bus: str
    profile: str
    unit: Unit
    period_s: float
    sensors: tuple[Sensor, ...] = field(default=())
    compensation: tuple[Compensation, ...] = ()
