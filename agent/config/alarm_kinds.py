"""What a farm or a tank wants of the alarms of one kind: `[alarms.kinds.…]`, and `[tanks.alarms.…]` over it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from agent.config.document import Document
from agent.config.findings import unknown_key
from agent.config.shape import AlarmsTable, KindTable, TankTable
from agent.domain.alarm import Alarm, AlarmKind, Priority


def check_kinds(document: Document, key: str, tables: Mapping[str, KindTable]) -> None:
    """Every name must be a kind of alarm."""
    kinds = [kind.value for kind in AlarmKind]
    document.problems += [unknown_key(f"{key}.{name}", kinds) for name in tables if name not in kinds]


def settled(alarm: Alarm, farm: AlarmsTable, tank: TankTable | None = None) -> Alarm:
    """The alarm as the farm wants it, and its tank over that."""
    wanted: dict[str, Any] = {"realarm_s": farm.realarm_s} if farm.realarm_s is not None else {}
    for tables in (farm.kinds, tank.alarms if tank else {}):
        if table := tables.get(alarm.kind.value):
            wanted |= table.model_dump(exclude_none=True)
    if "latching" in wanted:
        wanted["latches"] = wanted.pop("latching")
    found = replace(alarm, **wanted)
    # A tank may make critical again what for the farm is an advisory.
    return replace(found, acknowledges_itself=found.acknowledges_itself and found.priority is Priority.ADVISORY)
