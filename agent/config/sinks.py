"""The sinks that the file chooses, each with the settings its own class declares."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

from pydantic import TypeAdapter, ValidationError

from agent.config.farm import SinkChoice
from agent.config.findings import (
    from_validation,
    keys_of,
    literal_secret,
    not_a_table,
    shown,
    unknown_key,
    unknown_keys,
)
from agent.config.problems import Problem
from agent.domain.secret import Secret
from agent.store.tables import FEED
from cloud_sync.uplink import SINKS, sink_class
from cloud_sync.uplink.link import Link

T = TypeVar("T")


def sink_choices(tables: Mapping[str, Any], folder: Path, problems: list[Problem]) -> list[SinkChoice]:
    """One choice for each `[sinks.<name>]`; relative paths are taken from the configuration's folder."""
    choices = []
    for name, table in tables.items():
        choice = _choice(name, table, folder, problems)
        if choice is not None:
            choices.append(choice)
    return choices


def _choice(name: str, table: Any, folder: Path, problems: list[Problem]) -> SinkChoice | None:
    key = f"sinks.{name}"
    if not isinstance(table, dict):
        problems.append(not_a_table(key, table))
        return None
    if name == FEED:
        problems.append(Problem(key, "", "is the name of the local alarm feed", "choose another name"))
        return None
    kind = table.get("kind")
    if not isinstance(kind, str) or kind not in SINKS:
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
    """What is common to all sinks is taken out of the table before the sink's own settings see it."""
    key = f"sinks.{name}"
    own = {field: value for field, value in table.items() if field not in keys_of(Link)}
    common = {field: value for field, value in table.items() if field in keys_of(Link)}
    found = _unknown(own, key, settings)
    for field, hint in get_type_hints(settings).items():
        value, types = own.get(field), (hint, *get_args(hint))
        if Secret in types and value is not None and not isinstance(value, Secret):
            found.append(literal_secret(f"{key}.{field}"))
        elif Path in types and isinstance(value, str):
            own[field] = folder / value
    made = None if found else _made(settings, own, key, found)
    link = _made(Link, common, key, found)
    problems += found
    return None if made is None or link is None else SinkChoice(name, kind, made, link)


def _unknown(table: Mapping[str, Any], key: str, settings: type[Any]) -> list[Problem]:
    """Keys that neither this kind of sink has nor every sink, and those in tables below that nothing has."""
    known = [*keys_of(settings), *keys_of(Link)]
    found = [unknown_key(f"{key}.{name}", known) for name in table if name not in known]
    return found + unknown_keys({name: table[name] for name in table if name in known}, key, settings)


def _made(table_type: type[T], table: Mapping[str, Any], key: str, problems: list[Problem]) -> T | None:
    try:
        return TypeAdapter(table_type).validate_python(table)
    except ValidationError as error:
        problems += from_validation(error, key, table_type)
        return None
