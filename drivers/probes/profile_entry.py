"""One TOML table of a probe model's file being read: whatever is wrong becomes a problem that says what to do."""

import math
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path

from agent.domain.errors import AquaError
from agent.domain.farm import Span


class ProfileError(AquaError):
    """A probe model's file is wrong; `problems` names each key, what it holds and what would be right."""

    def __init__(self, file: Path, problems: list[str]) -> None:
        super().__init__("\n".join(f"{file.name}: {problem}" for problem in problems))
        self.problems = tuple(problems)


class Entry:
    """One TOML table being read. A wrong key becomes a problem and a harmless stand-in, so that reading goes on."""

    def __init__(self, where: str, content: object, problems: list[str]) -> None:
        self._where = where
        self._problems = problems
        self._known: set[str] = set()
        self.content = content if isinstance(content, dict) else {}
        if not isinstance(content, dict):
            self.wrong("", content, "make it a table of keys and values")

    def wrong(self, key: str, found: object, remedy: str) -> None:
        name = ".".join(part for part in (self._where, key) if part)
        self._problems.append(f"{name} = {found!r}: {remedy}")

    def missing(self, key: str, remedy: str) -> None:
        name = ".".join(part for part in (self._where, key) if part)
        self._problems.append(f"{name} is missing: {remedy}")

    def text(self, key: str, remedy: str) -> str:
        found = self._take(key, remedy)
        if isinstance(found, str) and found.strip():
            return found
        if found is not None:
            self.wrong(key, found, remedy)
        return ""

    def choice(self, key: str, options: tuple[str, ...], otherwise: str | None = None) -> str:
        remedy = f"use one of {', '.join(options)}"
        found = self._take(key, remedy, otherwise)
        if found in options:
            return str(found)
        if found is not None:
            spelled = {option.lower(): option for option in options}
            near = get_close_matches(str(found).lower(), spelled, n=1)
            self.wrong(key, found, f"did you mean {spelled[near[0]]!r}?" if near else remedy)
        return options[0]

    def has(self, key: str) -> bool:
        """Whether the key is there; asking makes it a known one."""
        self._known.add(key)
        return key in self.content

    def yes(self, key: str, otherwise: bool = False) -> bool:
        found = self._take(key, "", otherwise)
        if not isinstance(found, bool):
            self.wrong(key, found, "use true or false")
        return found is True

    def optional_text(self, key: str) -> str:
        return self.text(key, "write it in quotes") if self.has(key) else ""

    def choices(self, key: str, options: tuple[str, ...]) -> tuple[str, ...]:
        """One of the options, or a list of different ones."""
        found = self.content.get(key)
        if not isinstance(found, list):
            return (self.choice(key, options),)
        self._known.add(key)
        if found and len(set(map(str, found))) == len(found) and all(item in options for item in found):
            return tuple(found)
        self.wrong(key, found, f"use one of {', '.join(options)}, or a list of different ones")
        return (options[0],)

    def integers(self, key: str, low: int, high: int, fewest: int = 0) -> tuple[int, ...]:
        """A list of whole numbers; a single one may do without brackets."""
        remedy = f"use whole numbers from {low} to {high}"
        found = self._take(key, remedy)
        items = found if isinstance(found, list) else [found]
        if len(items) >= fewest and all(_is_whole(item, low, high) for item in items):
            return tuple(items)
        if found is not None:
            self.wrong(key, found, remedy)
        return ()

    def integer(self, key: str, low: int, high: int) -> int:
        remedy = f"use a whole number from {low} to {high}"
        found = self._take(key, remedy)
        if _is_whole(found, low, high):
            return int(found)  # type: ignore[call-overload, no-any-return]
        if found is not None:
            self.wrong(key, found, remedy)
        return low

    def number(self, key: str, otherwise: float) -> float:
        found = self._take(key, "", otherwise)
        if _is_number(found):
            return float(found)  # type: ignore[arg-type]
        self.wrong(key, found, "use a finite number")
        return otherwise

    def numbers(self, key: str) -> tuple[float, ...]:
        found = self._take(key, "", [])
        if isinstance(found, list) and all(_is_number(item) for item in found):
            return tuple(float(item) for item in found)
        self.wrong(key, found, "use a list of finite numbers")
        return ()

    def texts(self, key: str, remedy: str) -> tuple[str, ...]:
        found = self._take(key, remedy)
        if isinstance(found, list) and found and all(isinstance(item, str) for item in found):
            return tuple(found)
        if found is not None:
            self.wrong(key, found, remedy)
        return ()

    def seconds(self, key: str) -> float | None:
        """None when the key is not there."""
        if not self.has(key):
            return None
        found = self.number(key, 0.0)
        if found < 0:
            self.wrong(key, found, "use seconds, zero or more")
        return found

    def table(self, key: str) -> "Entry":
        return self._inner(key, self._take(key, f"add a table [{key}]") or {})

    def optional_table(self, key: str) -> "Entry | None":
        return self._inner(key, self.content[key]) if self.has(key) else None

    def _inner(self, key: str, content: object) -> "Entry":
        where = ".".join(part for part in (self._where, key) if part)
        return Entry(where, content, self._problems)

    def tables(self, key: str) -> list["Entry"]:
        found = self._take(key, "", [])
        if not isinstance(found, list):
            self.wrong(key, found, f"write [[{key}]] with two brackets")
            return []
        return [self._inner(f"{key}[{index}]", item) for index, item in enumerate(found, 1)]

    def span(self) -> Span | None:
        ends = self.numbers("span")
        if len(ends) == 2 and ends[0] < ends[1]:
            return Span(*ends)
        if ends:
            self.wrong("span", list(ends), "write [lowest, highest], the measuring range in the canonical unit")
        return None

    def items(self) -> Mapping[str, object]:
        """Everything in a table whose keys are free."""
        self._known.update(self.content)
        return self.content

    def nothing_else(self) -> None:
        """To be called last: what was not asked for is a slip of the pen."""
        for key in self.content.keys() - self._known:
            near = get_close_matches(key, self._known, n=1)
            remedy = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(sorted(self._known))}"
            self.wrong(key, self.content[key], f"unknown key; {remedy}")

    def _take(self, key: str, remedy: str, otherwise: object = None) -> object:
        self._known.add(key)
        found = self.content.get(key, otherwise)
        if found is None:
            self.missing(key, remedy)
        return found


def _is_whole(found: object, low: int, high: int) -> bool:
    return isinstance(found, int) and not isinstance(found, bool) and low <= found <= high


def _is_number(found: object) -> bool:
    return isinstance(found, int | float) and not isinstance(found, bool) and math.isfinite(found)
