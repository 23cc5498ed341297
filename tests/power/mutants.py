"""Gateways with a mistake in what they ask of the disk, to prove that the test would see it.

`main` is what the recorded process runs; its arguments are a folder and the name of a mistake.
"""

import asyncio
import json
import os
import sqlite3
import sys
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Any

from agent.domain.clock import Clock
from agent.store import eviction
from agent.store.store import Store
from tests.power.delivery import SINK
from tests.power.gateway import AT_ONCE, OpenStore, open_store, settings, work


class Hasty(sqlite3.Connection):
    """Never waits for the disk when it commits: what it then hands out, a power cut can take back."""

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        return super().execute(sql.replace("synchronous = FULL", "synchronous = NORMAL"), *values)


def hasty(folder: Path, clock: Clock) -> Store:
    connect = sqlite3.connect
    sqlite3.connect = lambda *path, **how: connect(*path, **{**how, "factory": Hasty})
    return open_store(folder, clock)


class CursorsInPlace(Store):
    """Keeps how far the sinks are in a file of its own, which it writes anew each time, in place but with fsync."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        super().__init__(settings(folder), [SINK], clock)
        self._file = folder / "cursors.json"
        self._cursors: dict[str, int] = json.loads(self._file.read_text()) if self._file.exists() else {}

    async def take(self, sink: str, lane: Enum, limit: int, beyond: int = 0, patient: bool = False) -> Any:
        return await super().take(sink, lane, limit, max(beyond, self._cursors.get(lane.value, 0)), patient)

    async def settle(self, sink: str, lane: Enum, after: int, upto: int, rejected: Sequence[Any]) -> None:
        self._cursors[lane.value] = upto
        with self._file.open("w") as file:
            json.dump(self._cursors, file)
            file.flush()
            os.fsync(file.fileno())


MISTAKES: dict[str, OpenStore] = {"none": open_store, "hasty": hasty, "cursors in place": CursorsInPlace}


def main() -> None:
    eviction.AT_ONCE = AT_ONCE
    asyncio.run(work(Path(sys.argv[1]), MISTAKES[sys.argv[2]]))
