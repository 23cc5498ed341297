"""Mistakes in a configuration, told so that a person can mend them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

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

    def __reduce__(self) -> tuple[type["ConfigError"], tuple[Path, Sequence[Problem]]]:
        """How it comes back from another process."""
        return ConfigError, (self.path, self.problems)
