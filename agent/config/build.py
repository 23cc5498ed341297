"""From the tables of gateway.toml to the farm, collecting every mistake on the way.

Each table is validated by itself, so that a mistake in one does not hide those in another; what refers to a broken
table is not blamed a second time.
"""

from collections.abc import Mapping, Sequence
from os.path import realpath
from pathlib import Path
from typing import Any, TypeVar
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import ValidationError

from agent.alarm_feed import MqttSettings
from agent.config import shape
from agent.config.farm import Gateway
from agent.config.findings import from_validation, not_a_table, shown, unknown_key
from agent.config.limits import check_limits, sensor_alarms, species_names, tank_limits
from agent.config.problems import Problem
from agent.config.sinks import sink_choices
from agent.domain.alarm import Alarm
from agent.domain.farm import BusSettings, Probe, Protocol, Sensor, SerialLine, Tank, TcpEndpoint
from agent.domain.quantity import Quantity
from agent.store.store import StoreSettings
from drivers import ProfileError, UnknownProfile, profile
from drivers.interfaces import Profile

T = TypeVar("T", bound=shape.Table)

_SECTIONS = ("gateway", "tanks", "buses", "probes", "checks", "alarms", "ring_buffer", "mqtt", "sinks")


class Builder:
    """Builds one gateway from one document; `problems` grows with every mistake found."""

    def __init__(self, document: Mapping[str, Any], folder: Path, problems: list[Problem]) -> None:
        self._document = document
        self._folder = folder
        self._problems = problems
        self._id = "gateway"
        self._profiles: dict[str, Profile] = {}
        self._ids: dict[UUID, str] = {}

    def build(self) -> Gateway | None:
        """None when something essential is missing; usable only when there are no problems."""
        for key in self._document:
            if key not in _SECTIONS:
                self._problems.append(unknown_key(key, _SECTIONS))
        gateway = self._table("gateway", shape.GatewayTable)
        mqtt = self._table("mqtt", shape.MqttTable)
        ring_buffer = self._table("ring_buffer", shape.RingBufferTable)
        timing = self._table("alarms", shape.AlarmsTable)
        self._id = gateway.id if gateway else self._id
        tanks = self._tanks()
        buses = self._buses()
        probes = self._probes({name: tank for name, (tank, _) in tanks.items()}, buses, gateway)
        sensors = [sensor for probe in probes for sensor in probe.sensors]
        checks = check_limits(self._tables("checks"), sensors, self._problems)
        alarms = self._alarms(tanks, probes, timing)
        sinks = sink_choices(self._tables("sinks"), self._folder, self._problems)
        if gateway is None or mqtt is None or ring_buffer is None or self._problems:
            return None
        state_dir = self._folder / gateway.state_dir
        return Gateway(
            gateway_id=gateway.id,
            site=gateway.site,
            state_dir=state_dir,
            runtime_dir=self._folder / gateway.runtime_dir if gateway.runtime_dir else state_dir,
            tanks=[tank for tank, _ in tanks.values()],
            buses=list(buses.values()),
            probes=probes,
            profiles_dir=self._folder / gateway.profiles_dir,
            checks=checks,
            alarms=alarms,
            mqtt=self._mqtt(mqtt),
            store=StoreSettings(state_dir / "ring-buffer.sqlite", ring_buffer.size_mb, ring_buffer.commit_s),
            sinks=sinks,
        )

    def _table(self, key: str, table: type[T]) -> T | None:
        if key == "gateway" and key not in self._document:
            self._problems.append(
                Problem("[gateway]", "", "is missing", 'add the table with id = "name-of-this-gateway"')
            )
            return None
        return self._validated(self._document.get(key, {}), key, table)

    def _validated(self, value: Any, key: str, table: type[T]) -> T | None:
        try:
            return table.model_validate(value)
        except ValidationError as error:
            self._problems += from_validation(error, key, table)
            return None

    def _tables(self, key: str) -> Mapping[str, Any]:
        tables = self._document.get(key, {})
        if isinstance(tables, dict):
            return tables
        self._problems.append(not_a_table(key, tables))
        return {}

    def _tanks(self) -> dict[str, tuple[Tank, shape.TankTable]]:
        tanks: dict[str, tuple[Tank, shape.TankTable]] = {}
        for n, value in enumerate(self._list("tanks")):
            table = self._validated(value, f"tanks[{n}]", shape.TankTable)
            if table is None:
                continue
            if table.name in tanks:
                self._wrong(f"tanks[{n}].name", table.name, "another tank has this name", "give each tank its own name")
            if table.species is not None and table.species not in species_names():
                known = ", ".join(species_names())
                self._wrong(
                    f"tanks[{n}].species", table.species, "is not known", f"write one of {known}, or give limits"
                )
            self._check_tank_limits(f"tanks[{n}].limits", table)
            tank_id = self._id_of(f"tanks[{n}].tank_id", table.tank_id, table.name)
            tanks[table.name] = (Tank(table.name, tank_id), table)
        return tanks

    def _check_tank_limits(self, key: str, table: shape.TankTable) -> None:
        sensor_types = [quantity.sensor_type for quantity in Quantity]
        for sensor_type in table.limits:
            if sensor_type not in sensor_types:
                self._problems.append(unknown_key(f"{key}.{sensor_type}", sensor_types))
            elif disorder := tank_limits(table, sensor_type).disorder():
                self._wrong(f"{key}.{sensor_type}", None, disorder, "order the limits (the species' count too)")

    def _buses(self) -> dict[str, BusSettings]:
        buses: dict[str, BusSettings] = {}
        owner: dict[object, str] = {}
        for name, value in self._tables("buses").items():
            table = self._validated(value, f"buses.{name}", shape.BusTable)
            if table is None:
                continue
            port = self._port(table)
            if (other := owner.setdefault(_end_of(port), name)) != name:
                key, told = ("device", table.device) if table.device is not None else ("host", table.host)
                reason = f"bus {other} uses the same port"
                self._wrong(f"buses.{name}.{key}", told, reason, "put all probes of a port on one bus")
            buses[name] = BusSettings(name, Protocol(table.protocol), port, table.timeout_s, table.quiet_s)
        return buses

    def _port(self, table: shape.BusTable) -> SerialLine | TcpEndpoint:
        if table.device is not None:
            return SerialLine(str(self._folder / table.device), table.baud, table.parity, table.stop_bits)
        return TcpEndpoint(table.host or "", table.port)

    def _probes(
        self, tanks: Mapping[str, Tank], buses: Mapping[str, BusSettings], gateway: shape.GatewayTable | None
    ) -> list[Probe]:
        probes: list[Probe] = []
        folder = self._folder / gateway.profiles_dir if gateway else None
        for n, value in enumerate(self._list("probes")):
            key = f"probes[{n}]"
            table = self._validated(value, key, shape.ProbeTable)
            if table is None:
                continue
            found = self._profile(table.profile, key, folder)
            self._refer(f"{key}.tank", table.tank, tanks, self._named_tanks(), "[[tanks]]")
            self._refer(f"{key}.bus", table.bus, buses, self._named_buses(), "[buses.<name>]")
            if any(probe.name == table.name and probe.tank.name == table.tank for probe in probes):
                self._wrong(f"{key}.name", table.name, "another probe of this tank has this name", "choose another")
            if found is not None and table.bus in buses:
                self._check_address(key, table, found, buses[table.bus], probes)
            if found is not None and table.tank in tanks:
                sensors = self._sensors(key, table, found, tanks[table.tank])
                unit = table.unit or 0
                probes.append(
                    Probe(table.name, tanks[table.tank], table.bus, table.profile, unit, table.period_s, sensors)
                )
        return probes

    def _profile(self, name: str, key: str, folder: Path | None) -> Profile | None:
        try:
            found = self._profiles[name] = self._profiles.get(name) or profile(name, folder)
        except UnknownProfile as error:
            self._wrong(
                f"{key}.profile", name, str(error), "write one of these, or put your own profile into that folder"
            )
            return None
        except ProfileError as error:
            self._wrong(f"{key}.profile", name, str(error), "correct the profile's file")
            return None
        return found

    def _refer(self, key: str, name: str, known: Mapping[str, object], named: Sequence[object], where: str) -> None:
        """`named` are all entries of the file, the broken ones too."""
        if name not in known and name not in named:
            names = ", ".join(known) or "none is configured"
            self._wrong(
                key, name, f"there is no such entry in {where} ({names})", f"correct the name, or add it in {where}"
            )

    def _check_address(
        self, key: str, table: shape.ProbeTable, found: Profile, bus: BusSettings, probes: list[Probe]
    ) -> None:
        others = [probe for probe in probes if probe.bus == table.bus]
        if found.text != (bus.protocol is Protocol.SERIAL_TEXT):
            spoken = "serial-text" if found.text else "modbus-rtu, modbus-tcp or modbus-rtu-over-tcp"
            reason = f"bus {bus.name} speaks {bus.protocol.value}, a {found.name} needs {spoken}"
            self._wrong(f"{key}.bus", table.bus, reason, "put the probe on a bus of that protocol")
        elif found.text and others:
            reason = f"{others[0].name} is on {bus.name} already, and this kind of line carries one probe"
            self._wrong(f"{key}.bus", table.bus, reason, "give each probe its own port")
        elif not found.text:
            self._check_unit(key, table, bus, others)

    def _check_unit(self, key: str, table: shape.ProbeTable, bus: BusSettings, others: list[Probe]) -> None:
        if table.unit is None:
            self._wrong(f"{key}.unit", None, "is missing", "add the probe's Modbus address, 1 to 247")
        elif not 1 <= table.unit <= 247 and bus.protocol is not Protocol.MODBUS_TCP:
            self._wrong(f"{key}.unit", table.unit, "is no Modbus address", "write the probe's address, 1 to 247")
        for other in others:
            if other.unit == table.unit:
                reason = f"{other.name} has the same address on bus {bus.name}: both would answer at once"
                self._wrong(f"{key}.unit", table.unit, reason, "give each probe on a bus its own address")

    def _sensors(self, key: str, table: shape.ProbeTable, found: Profile, tank: Tank) -> tuple[Sensor, ...]:
        channels = {channel.name: channel for channel in found.channels}
        for name in table.sensors:
            if name not in channels:
                self._problems.append(unknown_key(f"{key}.sensors.{name}", list(channels)))
        sensors = []
        for name, channel in channels.items():
            chosen = table.sensors.get(name, shape.SensorTable())
            if chosen.enabled:
                sensor_id = self._id_of(
                    f"{key}.sensors.{name}.sensor_id", chosen.sensor_id, tank.name, table.name, name
                )
                sensors.append(Sensor(sensor_id, tank, table.name, name, channel.quantity, channel.span))
        return tuple(sensors)

    def _alarms(
        self,
        tanks: Mapping[str, tuple[Tank, shape.TankTable]],
        probes: list[Probe],
        timing: shape.AlarmsTable | None,
    ) -> list[Alarm]:
        if timing is None:
            return []
        return [
            alarm
            for probe in probes
            for sensor in probe.sensors
            for alarm in sensor_alarms(sensor, probe.period_s, tanks[probe.tank.name][1], timing)
        ]

    def _named_tanks(self) -> Sequence[object]:
        tables = self._document.get("tanks")
        return [table.get("name") for table in tables if isinstance(table, dict)] if isinstance(tables, list) else []

    def _named_buses(self) -> Sequence[object]:
        tables = self._document.get("buses")
        return list(tables) if isinstance(tables, dict) else []

    def _list(self, key: str) -> list[Any]:
        value = self._document.get(key, [])
        if not isinstance(value, list) or not value:
            self._problems.append(Problem(f"[[{key}]]", "", "there is none", f"add at least one [[{key}]] table"))
            return []
        return value

    def _wrong(self, key: str, value: object, reason: str, remedy: str) -> None:
        self._problems.append(Problem(key, "" if value is None else shown(value), reason, remedy))

    def _id_of(self, key: str, chosen: UUID | None, *names: str) -> UUID:
        found = chosen or self._uuid(*names)
        if (other := self._ids.setdefault(found, key)) != key and chosen is not None:
            self._wrong(key, str(chosen), f"{other} is the same", "give each its own UUID, or leave the key out")
        return found

    def _uuid(self, *names: str) -> UUID:
        """The same names give the same UUID on every machine, so a new card continues the same series."""
        return uuid5(NAMESPACE_URL, "/".join(("aquacontrol", self._id, *names)))

    def _mqtt(self, table: shape.MqttTable) -> MqttSettings:
        ca_file = None if table.ca_file is None else str(self._folder / table.ca_file)
        return MqttSettings(table.host, table.port, table.username, table.password, ca_file, table.topic)


def _end_of(port: SerialLine | TcpEndpoint) -> object:
    """What two settings have in common when they mean the same port, however it is written."""
    return realpath(port.device) if isinstance(port, SerialLine) else (port.host.lower(), port.port)
