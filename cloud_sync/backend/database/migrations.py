"""The numbered files in `sql/`: `0001_name.sql` for every database, or one variant each with and without TimescaleDB.

A file that was released never changes; what is to change comes as a new file.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files

_NAME = re.compile(r"(\d{4})_([a-z_]+?)(?:\.(timescale|postgres))?\.sql")


class Flavour(StrEnum):
    """What a database was made as; it stays so."""

    TIMESCALE = "timescale"
    POSTGRES = "postgres"


@dataclass(frozen=True, slots=True, repr=False)
class Migration:
    """One step forward: its SQL by flavour."""

    version: int
    name: str
    texts: Mapping[Flavour, str]

    def __str__(self) -> str:
        return f"{self.version:04d}_{self.name}"

    def checksum(self, flavour: Flavour) -> str:
        return hashlib.sha256(self.texts[flavour].encode()).hexdigest()


@cache
def migrations() -> Sequence[Migration]:
    """All of them, from version 1 on without a hole. ValueError for a folder that is not in order."""
    found: dict[tuple[int, str], dict[Flavour, str]] = {}
    for file in files(__package__).joinpath("sql").iterdir():
        if (parts := _NAME.fullmatch(file.name)) is None:
            raise ValueError(f"sql/{file.name}: migrations are named like 0001_name.sql")
        number, name, flavour = parts.groups()
        text = file.read_text(encoding="utf-8")
        texts = found.setdefault((int(number), name), {})
        texts |= {Flavour(flavour): text} if flavour else dict.fromkeys(Flavour, text)
    ordered = [Migration(version, name, texts) for (version, name), texts in sorted(found.items(), key=lambda x: x[0])]
    for version, migration in enumerate(ordered, start=1):
        if migration.version != version or set(migration.texts) != set(Flavour):
            raise ValueError(f"sql/{migration}: not the only number {version:04d}, or it lacks a variant")
    return ordered
