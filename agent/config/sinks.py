"""The sinks that the file chooses, each with the settings its own class declares."""

from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from agent.config.farm import SinkChoice
from agent.config.problems import Problem, from_validation, shown, unknown_key
from agent.domain.secret import Secret
from agent.store.writer import FEED
from cloud_sync.uplink import SINKS, sink_class


def sink_choices(tables: Any, folder: Path, problems: list[Problem]) -> list[SinkChoice]:
    """One choice for each `[sinks.<name>]`; relative paths are taken from the configuration's folder."""
    choices = []
    for name, table in tables.items() if isinstance(tables, dict) else ():
        choice = _choice(name, table, folder, problems)
        if choice is not None:
            choices.append(choice)
    return choices


def _choice(name: str, table: Any, folder: Path, problems: list[Problem]) -> SinkChoice | None:
    key = f"sinks.{name}"
    if name == FEED or not isinstance(table, dict):
        problems.append(Problem(key, shown(table), "cannot be the name of a sink", "choose another name"))
        return None
    kind = table.get("kind")
    if kind not in SINKS:
        reason = "is missing" if kind is None else "is not a kind of sink"
        shown_kind = "" if kind is None else shown(kind)
        problems.append(Problem(f"{key}.kind", shown_kind, reason, f"write one of {', '.join(SINKS)}"))
        return None
    try:
        settings = sink_class(kind).Settings
    except ValueError as error:
        problems.append(Problem(f"{key}.kind", shown(kind), str(error), "install what is named there"))
        return None
    return _validated(name, kind, settings, {k: v for k, v in table.items() if k != "kind"}, folder, problems)


def _validated(
    name: str, kind: str, settings: type[Any], table: dict[str, Any], folder: Path, problems: list[Problem]
) -> SinkChoice | None:
    key = f"sinks.{name}"
    hints = get_type_hints(settings)
    known = [field.name for field in fields(settings)]
    before = len(problems)
    for field, value in table.items():
        if field not in known:
            problems.append(unknown_key(f"{key}.{field}", value, known))
        elif Secret in getattr(hints[field], "__args__", (hints[field],)) and not isinstance(value, Secret):
            remedy = f'write {field} = {{file = "…"}} or {{credential = "…"}}'
            problems.append(Problem(f"{key}.{field}", "", "a secret may not stand in this file", remedy))
        elif hints[field] is Path and isinstance(value, str):
            table = table | {field: folder / value}
    if len(problems) > before:
        return None
    try:
        return SinkChoice(name, kind, TypeAdapter(settings).validate_python(table))
    except ValidationError as error:
        problems += from_validation(error, key, known)
        return None
