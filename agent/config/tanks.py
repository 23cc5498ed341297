"""`[[tanks]]`: names, species and limits."""

from agent.config import shape
from agent.config.alarm_kinds import check_kinds
from agent.config.document import Document
from agent.config.findings import unknown_key
from agent.config.limits import CUSTOM, species_names, tank_limits
from agent.config.sensor_alarms import OXYGEN
from agent.domain.farm import GATEWAY, Tank
from agent.domain.quantity import Quantity
from agent.domain.sun import Place


def tanks(document: Document, place: Place | None) -> dict[str, tuple[Tank, shape.TankTable]]:
    """Every tank with its table, by name; `place` is where they are, if it is known."""
    found: dict[str, tuple[Tank, shape.TankTable]] = {}
    for n, value in enumerate(document.list("tanks")):
        table = document.validated(value, f"tanks[{n}]", shape.TankTable)
        if table is None:
            continue
        if table.name in found:
            document.wrong(f"tanks[{n}].name", table.name, "another tank has this name", "give each tank its own name")
        if table.name == GATEWAY:
            remedy = "choose another: under this one the alarms of buses, sinks and the gateway itself are told"
            document.wrong(f"tanks[{n}].name", table.name, "is taken", remedy)
        if table.species is not None and table.species not in species_names():
            known = ", ".join(species_names())
            document.wrong(
                f"tanks[{n}].species", table.species, "is not known", f"write one of {known}, or give limits"
            )
        if table.species == CUSTOM and not table.limits:
            document.wrong(f"tanks[{n}].species", table.species, "says no limits itself", "add [tanks.limits.…]")
        _check_limits(document, f"tanks[{n}].limits", table, place)
        check_kinds(document, f"tanks[{n}].alarms", table.alarms)
        tank_id = document.id_of(f"tanks[{n}].tank_id", table.tank_id, table.name)
        found[table.name] = (Tank(table.name, tank_id), table)
    return found


def _check_limits(document: Document, key: str, table: shape.TankTable, place: Place | None) -> None:
    sensor_types = [quantity.sensor_type for quantity in Quantity]
    for sensor_type in table.limits:
        if sensor_type not in sensor_types:
            document.problems.append(unknown_key(f"{key}.{sensor_type}", sensor_types))
            continue
        limits = tank_limits(table, sensor_type)
        if disorder := limits.disorder():
            document.wrong(f"{key}.{sensor_type}", None, disorder, "order the limits (the species' count too)")
        if limits.dawn and Quantity.of(sensor_type) not in OXYGEN:
            remedy = f"set it for {OXYGEN[0].sensor_type}"
            document.wrong(f"{key}.{sensor_type}.dawn", True, "does not fall by night as oxygen does", remedy)
        elif limits.dawn and limits.critical_low is None:
            document.wrong(f"{key}.{sensor_type}.dawn", True, "has no limit to foresee", "add critical_low")
        elif limits.dawn and place is None:
            remedy = "add latitude and longitude to [gateway], in degrees (north and east positive)"
            document.wrong(f"{key}.{sensor_type}.dawn", True, "nobody knows when the sun rises", remedy)
