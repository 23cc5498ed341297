"""The file as a document: its tables, validated one by one, and every mistake found in it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import ValidationError

from agent.config.findings import from_validation, not_a_table, shown
from agent.config.problems import Problem
from agent.config.shape import Table

T = TypeVar("T", bound=Table)


class Document:
    """`content` as read, paths relative to `folder`; `problems` grows with every mistake found.

    Each table is validated by itself, so that a mistake in one does not hide those in another.
    """

    def __init__(self, content: Mapping[str, Any], folder: Path, problems: list[Problem]) -> None:
        self.content = content
        self.folder = folder
        self.problems = problems
        self.gateway_id = "gateway"
        self._ids: dict[UUID, str] = {}

    def table(self, key: str, table: type[T]) -> T | None:
        """The table `[key]`, or None when something is wrong with it."""
        return self.validated(self.content.get(key, {}), key, table)

    def validated(self, value: Any, key: str, table: type[T]) -> T | None:
        try:
            return table.model_validate(value)
        except ValidationError as error:
            self.problems += from_validation(error, key, table)
            return None

    def tables(self, key: str) -> Mapping[str, Any]:
        """What stands in `[key.<name>]`, by name."""
        tables = self.content.get(key, {})
        if isinstance(tables, dict):
            return tables
        self.problems.append(not_a_table(key, tables))
        return {}

    def list(self, key: str, needed: bool = True) -> list[Any]:
        """What stands in `[[key]]`; none is a mistake, if some are `needed`."""
        value = self.content.get(key, [])
        if isinstance(value, list) and (value or not needed):
            return value
        if not needed:
            self.problems.append(not_a_table(key, value))
            return []
        self.problems.append(Problem(f"[[{key}]]", "", "there is none", f"add at least one [[{key}]] table"))
        return []

    def wrong(self, key: str, value: object, reason: str, remedy: str) -> None:
        self.problems.append(Problem(key, "" if value is None else shown(value), reason, remedy))

    def id_of(self, key: str, chosen: UUID | None, *names: str) -> UUID:
        """`chosen`, or a UUID made of the names: the same on every machine, so a new card continues the same series."""
        found = chosen or uuid5(NAMESPACE_URL, "/".join(("aquacontrol", self.gateway_id, *names)))
        if (other := self._ids.setdefault(found, key)) != key and chosen is not None:
            self.wrong(key, str(chosen), f"{other} is the same", "give each its own UUID, or leave the key out")
        return found
