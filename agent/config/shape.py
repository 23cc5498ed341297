"""The tables of gateway.toml: which keys there are, of what type, in what range."""

from itertools import pairwise
from math import isfinite
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, InstanceOf, PlainValidator, model_validator
from pydantic_core import PydanticCustomError

from agent.domain.alarm import Priority, on_the_line
from agent.domain.secret import Secret
from agent.domain.sun import Place

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$", max_length=64)]
Host = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[^\s/]+$")]
Number = Annotated[float, Field(allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]


def _limit(value: Any) -> float | dict[float, float]:
    try:
        if isinstance(value, dict) and value:
            return dict(sorted((_finite(float(warmth)), _finite(limit)) for warmth, limit in value.items()))
        return _finite(value)
    except (TypeError, ValueError) as error:
        wanted = "Input should be a finite number, or a table of °C and limits like { 7 = 42, 19 = 76 }"
        raise PydanticCustomError("finite_number", wanted) from error


def _finite(value: Any) -> float:
    """Raises TypeError, ValueError."""
    if isinstance(value, bool | str) or not isfinite(value):
        raise ValueError(value)
    return float(value)


def _address(value: Any) -> int | str:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("an address is a whole number, or text")  # noqa: TRY004 - pydantic wants this one
    return value


Limit = Annotated[float | dict[float, float], PlainValidator(_limit)]
"""One number, or a limit that depends on the water's temperature, by °C, ascending."""

Address = Annotated[int | str, PlainValidator(_address)]


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class GatewayTable(Table):
    id: Name
    site: str = ""
    state_dir: str = "state"
    runtime_dir: str | None = None
    profiles_dir: str = "profiles"
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = None

    @property
    def place(self) -> Place | None:
        return None if self.latitude is None or self.longitude is None else Place(self.latitude, self.longitude)


class SparkplugTable(Table):
    group_id: Name
    edge_node_id: Name | None = None
    primary_host: Name | None = None


class MqttTable(Table):
    host: Host = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 1883
    username: str | None = None
    password: InstanceOf[Secret] | None = None
    tls: bool = False
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    topic: Name = "aqua"
    heartbeat_s: Annotated[float, Field(ge=1, le=3600)] = 60.0
    readings_every_s: Annotated[float, Field(ge=0, le=3600)] = 10.0
    readings_at_least_s: Annotated[float, Field(ge=1, le=86_400)] = 60.0
    readings_deadband: dict[str, Annotated[float, Field(ge=0, allow_inf_nan=False)]] = Field(default_factory=dict)
    test_every_h: Annotated[float, Field(ge=0, le=720, allow_inf_nan=False)] = 24.0
    home_assistant: bool = False
    home_assistant_prefix: Name = "homeassistant"
    sparkplug: SparkplugTable | None = None

    @model_validator(mode="after")
    def _has_both_or_none(self) -> "MqttTable":
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("a certificate of the gateway's own needs both cert_file and key_file")
        return self


class MetricsTable(Table):
    listen: str | None = None


class RingBufferTable(Table):
    size_mb: Annotated[int, Field(ge=8, le=1_000_000)] = 4500
    commit_s: Annotated[float, Field(ge=0.1, le=60)] = 2.0


class KindTable(Table):
    """What a farm, or a tank, wants of every alarm of one kind."""

    priority: Priority | None = None
    latching: bool | None = None
    realarm_s: Annotated[float, Field(ge=60, le=86_400)] | None = None
    acknowledges_itself: bool | None = None
    on_delay_s: Annotated[float, Field(ge=0, le=86_400)] | None = None
    off_delay_s: Annotated[float, Field(ge=0, le=86_400)] | None = None

    @model_validator(mode="after")
    def _only_the_lowest(self) -> "KindTable":
        if self.acknowledges_itself and self.priority is not Priority.ADVISORY:
            raise ValueError('only an alarm of priority = "advisory" may acknowledge itself')
        return self


class AlarmsTable(Table):
    on_delay_s: Annotated[float, Field(ge=0, le=3600)] = 5.0
    off_delay_s: Annotated[float, Field(ge=0, le=3600)] = 10.0
    no_valid_data_s: Annotated[float, Field(ge=1, le=86_400)] = 60.0
    realarm_s: Annotated[float, Field(ge=60, le=86_400)] | None = None
    kinds: dict[str, KindTable] = Field(default_factory=dict)


_DEVICE, _HOST, _FOLDER = ("device", '"/dev/…"'), ("host", '"…"'), ("folder", "")
# What each kind of bus is found by.
_PORTS = {
    "modbus-rtu": _DEVICE,
    "serial-text": _DEVICE,
    "sdi-12": _DEVICE,
    "text-stream": _DEVICE,
    "modbus-tcp": _HOST,
    "modbus-rtu-over-tcp": _HOST,
    "1-wire": _FOLDER,
}


class BusTable(Table):
    protocol: Literal[
        "modbus-rtu", "modbus-tcp", "modbus-rtu-over-tcp", "serial-text", "sdi-12", "1-wire", "text-stream"
    ]
    device: str | None = None
    baud: Annotated[int, Field(ge=300, le=921_600)] = 9600
    parity: Literal["N", "E", "O"] = "N"
    stop_bits: Literal[1, 2] = 1
    data_bits: Literal[7, 8] = 8
    folder: str | None = None
    host: Host | None = None
    port: Annotated[int, Field(ge=1, le=65535)] = 502
    timeout_s: Annotated[float, Field(ge=0.05, le=30)] | None = None
    quiet_s: Annotated[float, Field(ge=0, le=10)] = 0.3
    connect_timeout_s: Annotated[float, Field(gt=0, le=60)] | None = None

    @model_validator(mode="after")
    def _has_its_port(self) -> "BusTable":
        key, example = _PORTS[self.protocol]
        if getattr(self, key) is None and key != "folder":
            raise ValueError(f"a {self.protocol} bus needs {key} = {example}")
        for other in ("device", "host", "folder"):
            if other != key and getattr(self, other) is not None:
                raise ValueError(f"a {self.protocol} bus has a {key}, no {other}")
        if self.protocol == "modbus-rtu" and self.data_bits != 8:
            raise ValueError("a modbus-rtu bus needs data_bits = 8")
        return self


class LimitsTable(Table):
    """Alarm limits of one sensor type in one tank, in canonical units (a rate of fall is a minute's); each may be left
    out. 0 switches the rate of fall and the forecast off; `dawn` foresees what a pond will have at sunrise.
    """

    critical_low: Limit | None = None
    low: Limit | None = None
    high: Limit | None = None
    critical_high: Limit | None = None
    deadband: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    on_delay_s: Annotated[float, Field(ge=0, le=3600)] | None = None
    off_delay_s: Annotated[float, Field(ge=0, le=3600)] | None = None
    rate_of_fall: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    forecast_s: Annotated[float, Field(ge=0, le=7200)] | None = None
    dawn: bool | None = None

    def overridden_by(self, other: "LimitsTable") -> "LimitsTable":
        return LimitsTable(**(self.model_dump(exclude_none=True) | other.model_dump(exclude_none=True)))

    def disorder(self) -> str | None:
        """Why the limits contradict each other, or None."""
        named = [(name, getattr(self, name)) for name in ("critical_low", "low", "high", "critical_high")]
        known = [(name, limit) for name, limit in named if limit is not None]
        degrees = sorted({warmth for _, limit in known if isinstance(limit, dict) for warmth in limit})
        for warmth in degrees or [0.0]:
            for (below, low), (above, high) in pairwise(known):
                if (a := _at(low, warmth)) >= (b := _at(high, warmth)):
                    return f"{below} ({a:g}) must be below {above} ({b:g})" + (f" at {warmth:g} °C" if degrees else "")
        return None


def _at(limit: float | dict[float, float], warmth: float) -> float:
    return on_the_line(tuple(limit.items()), warmth) if isinstance(limit, dict) else limit


class TankTable(Table):
    name: Name
    tank_id: UUID | None = None
    species: str | None = None
    density_kg_m3: Annotated[float, Field(gt=0, le=1000)] | None = None
    limits: dict[str, LimitsTable] = Field(default_factory=dict)
    alarms: dict[str, KindTable] = Field(default_factory=dict)


class SensorTable(Table):
    sensor_id: UUID | None = None
    enabled: bool = True


class CompensationTable(Table):
    """Sensors of the same tank, as "probe/sensor"."""

    temperature: str | None = None
    salinity: str | None = None
    max_age_s: Seconds | None = None


class DerivedTable(Table):
    """`inputs`: sensors of the same tank, as "probe/sensor", or numbers."""

    tank: str
    name: Name
    formula: str
    inputs: dict[str, Number | str]
    max_age_s: Seconds | None = None
    sensor_id: UUID | None = None


class ProbeTable(Table):
    name: Name
    tank: str
    bus: str
    profile: str
    unit: Address | None = None
    period_s: Seconds = 5.0
    sensors: dict[str, SensorTable] = Field(default_factory=dict)
    compensation: CompensationTable = CompensationTable()
