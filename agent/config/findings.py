"""What the validator finds, in the words of the file."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from typing import Any, get_args, get_type_hints

from pydantic import BaseModel, ValidationError

from agent.config.problems import Problem


def from_validation(error: ValidationError, prefix: str, table: type) -> list[Problem]:
    """pydantic's findings on the table `prefix`, in the words of the file. `table` is the type it should have been."""
    return [_problem(detail, prefix, table) for detail in error.errors(include_url=False, include_context=True)]


def _problem(detail: Any, prefix: str, table: type) -> Problem:
    key, kind = _key(prefix, detail["loc"]), detail["type"]
    if kind == "missing":
        return Problem(key, "", "is missing", "add it")
    if kind == "extra_forbidden":
        return unknown_key(key, keys_of(_table_at(table, detail["loc"][:-1])))
    if kind == "is_instance_of":
        return literal_secret(key)
    # A whole table says nothing that its key does not, and may hold what nobody should read.
    value = shown(detail["input"]) if isinstance(detail["input"], str | int | float) else ""
    reason = _REASONS.get(kind, detail["msg"].removeprefix("Value error, "))
    return Problem(key, value, reason[0].lower() + reason[1:], _REMEDIES.get(kind, "correct it"))


def unknown_key(key: str, known: Sequence[str]) -> Problem:
    """A key that means nothing here, with the one that was probably meant. Its value might be a secret: not told."""
    lower = {name.lower(): name for name in known}
    near = get_close_matches(key.rpartition(".")[2].lower(), lower, 1)
    remedy = f"write {lower[near[0]]}" if near else "remove it"
    return Problem(key, "", "is not a setting", remedy + (f"; possible here: {', '.join(known)}" if known else ""))


def unknown_keys(value: Mapping[str, Any], prefix: str, table: type) -> list[Problem]:
    """Every key of `value`, and of the tables in it, that the dataclass `table` does not have."""
    found, hints = [], get_type_hints(table)
    for name, below in value.items():
        if name not in keys_of(table):
            found.append(unknown_key(f"{prefix}.{name}", keys_of(table)))
        elif inner := _table_in(hints[name]):
            for key, part in _tables(below, f"{prefix}.{name}"):
                found += unknown_keys(part, key, inner)
    return found


def _tables(value: Any, key: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The table that `value` is, or those in the list that it is, each with its key."""
    if isinstance(value, Mapping):
        yield key, value
    elif isinstance(value, list):
        for n, part in enumerate(value):
            yield from _tables(part, f"{key}[{n}]")


def not_a_table(key: str, value: Any) -> Problem:
    return Problem(key, "" if isinstance(value, list) else shown(value), "is no table", f"write it as [{key}]")


def literal_secret(key: str) -> Problem:
    name = key.rpartition(".")[2]
    remedy = f'write {name} = {{file = "…"}} or {{credential = "…"}}'
    return Problem(key, "", "a secret may not stand in this file", remedy)


def keys_of(table: type[Any]) -> list[str]:
    """The keys that may stand in a table of that type (a pydantic model or a dataclass)."""
    return list(table.model_fields) if issubclass(table, BaseModel) else [field.name for field in fields(table)]


def _table_at(table: type, loc: Sequence[str | int]) -> type:
    for part in loc:
        table = _table_in(get_type_hints(table).get(str(part))) or table
    return table


def _table_in(hint: Any) -> type | None:
    """The table that a field of that type holds, if any: itself, one in a dict, or one that may be None."""
    types = [part for part in (hint, *get_args(hint)) if isinstance(part, type)]
    return next((part for part in types if is_dataclass(part) or issubclass(part, BaseModel)), None)


def _key(prefix: str, loc: Sequence[str | int]) -> str:
    key = prefix
    for part in loc:
        key += f"[{part}]" if isinstance(part, int) else f".{part}" if key else part
    return key


def shown(value: Any) -> str:
    """A value as TOML would write it, short."""
    if isinstance(value, bool):
        return str(value).lower()
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "…"


_REASONS = {"model_type": "is no table", "dataclass_type": "is no table", "dict_type": "is no table"}

_REMEDIES = {
    "string_too_short": "write a name",
    "int_parsing": "write a whole number",
    "int_type": "write a whole number",
    "int_from_float": "write a whole number",
    "float_parsing": "write a number",
    "float_type": "write a number",
    "string_type": 'write text in "quotation marks"',
    "bool_parsing": "write true or false",
    "model_type": "write a [table] with keys and values",
    "dataclass_type": "write a {table = of, keys = and_values}",
    "dict_type": "write a [table] with keys and values",
    "finite_number": "write a number",
    "greater_than": "write a larger number",
    "greater_than_equal": "write a larger number",
    "less_than": "write a smaller number",
    "less_than_equal": "write a smaller number",
    "string_pattern_mismatch": "use letters, digits, hyphen and underscore only (the name becomes part of MQTT topics)",
    "literal_error": "write one of these",
    "uuid_parsing": "write a UUID such as 123e4567-e89b-12d3-a456-426614174000, or leave the key out",
}
