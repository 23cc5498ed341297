"""Mistakes in a configuration, told so that a person can mend them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from agent.domain.errors import AquaError


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: the key as it is written in the file, what stands there, why that is wrong, what to do."""

    key: str
    value: str
    reason: str
    remedy: str

    def __str__(self) -> str:
        shown = f"{self.key} = {self.value}" if self.value else self.key
        return f"{shown}\n    wrong:  {self.reason}\n    remedy: {self.remedy}"


class ConfigError(AquaError):
    """Everything that is wrong with one file; `problems` in the order of the file's sections."""

    def __init__(self, path: Path, problems: Sequence[Problem]) -> None:
        self.path = path
        self.problems = problems
        count = "1 mistake" if len(problems) == 1 else f"{len(problems)} mistakes"
        super().__init__("\n\n".join([f"{path}: {count}", *(f"  {problem}" for problem in problems)]))


def from_validation(error: ValidationError, prefix: str, known: Iterable[str] = ()) -> list[Problem]:
    """pydantic's findings in the words of the file. `known` are the keys that may stand in the table `prefix`."""
    return [_problem(detail, prefix, list(known)) for detail in error.errors(include_url=False, include_context=True)]


def _problem(detail: Any, prefix: str, known: list[str]) -> Problem:
    key = _key(prefix, detail["loc"])
    if detail["type"] == "missing":
        return Problem(key, "", "is missing", "add it")
    if detail["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return unknown_key(key, detail["input"], known)
    reason = detail["msg"].removeprefix("Value error, ")
    return Problem(
        key, shown(detail["input"]), reason[0].lower() + reason[1:], _REMEDIES.get(detail["type"], "correct it")
    )


def unknown_key(key: str, value: Any, known: Sequence[str]) -> Problem:
    """A key that means nothing here, with the one that was probably meant."""
    near = get_close_matches(key.rpartition(".")[2], known, 1)
    remedy = f"write {near[0]}" if near else "remove it"
    return Problem(
        key, shown(value), "is not a setting", remedy + (f"; possible here: {', '.join(known)}" if known else "")
    )


def _key(prefix: str, loc: Sequence[str | int]) -> str:
    key = prefix
    for part in loc:
        key += f"[{part}]" if isinstance(part, int) else f".{part}" if key else part
    return key


def shown(value: Any) -> str:
    """A value as TOML would write it, short."""
    if isinstance(value, bool):
        return str(value).lower()
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "…"


_REMEDIES = {
    "is_instance_of": 'a secret may not stand in this file: write {file = "…"} or {credential = "…"}',
    "int_parsing": "write a whole number",
    "int_type": "write a whole number",
    "int_from_float": "write a whole number",
    "float_parsing": "write a number",
    "float_type": "write a number",
    "string_type": 'write text in "quotation marks"',
    "bool_parsing": "write true or false",
    "dict_type": "write a table here, see the example in the comments of a new configuration",
    "greater_than": "write a larger number",
    "greater_than_equal": "write a larger number",
    "less_than": "write a smaller number",
    "less_than_equal": "write a smaller number",
    "string_pattern_mismatch": "use letters, digits, hyphen and underscore only (the name becomes part of MQTT topics)",
    "literal_error": "write one of these",
    "uuid_parsing": "write a UUID such as 123e4567-e89b-12d3-a456-426614174000, or leave the key out",
}
