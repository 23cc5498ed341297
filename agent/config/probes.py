"""`[[probes]]`: which model, at which address, in which tank."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from agent.config import shape
from agent.config.addresses import ADDRESSES
from agent.config.compensation import Read, compensated
from agent.config.document import Document
from agent.config.findings import unknown_key
from agent.domain.farm import DERIVED, MODBUS, BusSettings, Probe, Sensor, Tank, Unit
from drivers import ProfileError, UnknownProfile, profile
from drivers.interfaces import Profile


def probes(
    document: Document, tanks: Mapping[str, Tank], buses: Mapping[str, BusSettings], profiles_dir: Path | None
) -> list[Probe]:
    """Every probe with its sensors. What refers to a broken table is not blamed a second time."""
    found: list[Read] = []
    for n, value in enumerate(document.list("probes")):
        key = f"probes[{n}]"
        table = document.validated(value, key, shape.ProbeTable)
        if table is None:
            continue
        model = _profile(document, table.profile, key, profiles_dir)
        _refer(document, f"{key}.tank", table.tank, tanks, _named_tanks(document), "[[tanks]]")
        _refer(document, f"{key}.bus", table.bus, buses, _named_buses(document), "[buses.<name>]")
        if table.name == DERIVED:
            document.wrong(
                f"{key}.name", table.name, "is taken: [[derived]] sensors are told under it", "choose another"
            )
        others = [one.probe for one in found]
        if any(probe.name == table.name and probe.tank.name == table.tank for probe in others):
            document.wrong(f"{key}.name", table.name, "another probe of this tank has this name", "choose another")
        if model is not None and table.bus in buses:
            _check_address(document, key, table, model, buses[table.bus], others)
        if model is not None and table.period_s < model.min_period_s:
            reason = f"a {model.name} must not be asked more often than every {model.min_period_s:g} s"
            document.wrong(f"{key}.period_s", table.period_s, reason, f"write {model.min_period_s:g} or more")
        if model is not None and table.tank in tanks:
            sensors = _sensors(document, key, table, model, tanks[table.tank])
            unit = _unit(table, buses[table.bus]) if table.bus in buses else 0
            probe = Probe(table.name, tanks[table.tank], table.bus, table.profile, unit, table.period_s, sensors)
            found.append(Read(key, table, model, probe))
    return compensated(document, found)


def _profile(document: Document, name: str, key: str, folder: Path | None) -> Profile | None:
    try:
        found = profile(name, folder)
    except UnknownProfile as error:
        if folder is not None:  # unknown itself while [gateway] is wrong
            document.wrong(
                f"{key}.profile", name, str(error), "write one of these, or put your own profile into that folder"
            )
        return None
    except ProfileError as error:
        for problem in str(error).splitlines():
            document.wrong(f"{key}.profile", name, problem, "correct the profile's file")
        return None
    return found


def _refer(
    document: Document, key: str, name: str, known: Mapping[str, object], named: Sequence[object], where: str
) -> None:
    """`named` are all entries of the file, the broken ones too."""
    if name not in known and name not in named:
        names = ", ".join(known) or "none is configured"
        document.wrong(
            key, name, f"there is no such entry in {where} ({names})", f"correct the name, or add it in {where}"
        )


def _check_address(
    document: Document, key: str, table: shape.ProbeTable, model: Profile, bus: BusSettings, probes: list[Probe]
) -> None:
    others = [probe for probe in probes if probe.bus == table.bus]
    if bus.protocol not in model.protocols:
        *most, last = sorted(protocol.value for protocol in model.protocols)
        spoken = f"{', '.join(most)} or {last}" if most else last
        reason = f"bus {bus.name} speaks {bus.protocol.value}, a {model.name} needs {spoken}"
        document.wrong(f"{key}.bus", table.bus, reason, "put the probe on a bus of that protocol")
    elif bus.protocol in ADDRESSES:
        _check_unit(document, key, table, model, bus, others)
    elif others:
        reason = f"{others[0].name} is on {bus.name} already, and this kind of line carries one probe"
        document.wrong(f"{key}.bus", table.bus, reason, "give each probe its own port")


def _check_unit(
    document: Document, key: str, table: shape.ProbeTable, model: Profile, bus: BusSettings, others: list[Probe]
) -> None:
    addresses = ADDRESSES[bus.protocol]
    unit = _unit(table, bus)
    if table.unit is None:
        document.wrong(f"{key}.unit", None, "is missing", f"add the probe's {addresses}")
    elif not addresses.has(unit):
        document.wrong(f"{key}.unit", table.unit, f"is no {addresses.kind}", f"write the probe's {addresses}")
    for other in others:
        if other.unit == unit and not _shares(table, model, bus, other):
            reason = f"{other.name} has the same address on bus {bus.name}: both would answer at once"
            remedy = (
                "give each probe on a bus its own address; two probes may be one Modbus device when they have the same "
                "profile and period_s, and each of its sensors is enabled in one of them alone"
            )
            document.wrong(f"{key}.unit", table.unit, reason, remedy)


def _shares(table: shape.ProbeTable, model: Profile, bus: BusSettings, other: Probe) -> bool:
    """Whether both are one device, whose sensors they share out."""
    alike = (table.profile, table.period_s) == (other.profile, other.period_s) and bus.protocol in MODBUS
    return alike and not {sensor.channel for sensor in other.sensors}.intersection(_enabled(table, model))


def _enabled(table: shape.ProbeTable, model: Profile) -> list[str]:
    names = [channel.name for channel in model.channels]
    return [name for name in names if table.sensors.get(name, shape.SensorTable()).enabled]


def _unit(table: shape.ProbeTable, bus: BusSettings) -> Unit:
    """The address as its bus knows it: SDI-12 address 3 is the character "3"."""
    if table.unit is None or bus.protocol not in ADDRESSES:
        return 0
    return table.unit if bus.protocol in MODBUS else str(table.unit)


def _sensors(document: Document, key: str, table: shape.ProbeTable, model: Profile, tank: Tank) -> tuple[Sensor, ...]:
    channels = {channel.name: channel for channel in model.channels}
    for name in table.sensors:
        if name not in channels:
            document.problems.append(unknown_key(f"{key}.sensors.{name}", list(channels)))
    sensors = []
    for name, channel in channels.items():
        chosen = table.sensors.get(name, shape.SensorTable())
        if chosen.enabled:
            sensor_id = document.id_of(f"{key}.sensors.{name}.sensor_id", chosen.sensor_id, tank.name, table.name, name)
            sensors.append(Sensor(sensor_id, tank, table.name, name, channel.quantity, channel.span))
    return tuple(sensors)


def _named_tanks(document: Document) -> Sequence[object]:
    tables = document.content.get("tanks")
    return [table.get("name") for table in tables if isinstance(table, dict)] if isinstance(tables, list) else []


def _named_buses(document: Document) -> Sequence[object]:
    tables = document.content.get("buses")
    return list(tables) if isinstance(tables, dict) else []
