"""The model of the disk tells good habits from bad ones, where everybody knows what a power cut does to them."""

import json
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from tests.power.cuts import cuts
from tests.power.operations import Marker
from tests.power.recording import record
from tests.power.stage import lay_out, needs_strace, ram_folder

SAVE = """
import json, os, sys
folder, steps = sys.argv[1], sys.argv[2].split()
place, beside = folder + "/state.json", folder + "/state.json.new"

def sync(path):
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)

def save(number):
    there = place if "in-place" in steps else beside
    with open(there, "w") as file:
        json.dump({"saved": number, "filling": "x" * 2000}, file)
    if "sync" in steps:
        sync(there)
    if "in-place" not in steps:
        os.rename(beside, place)
    if "sync-folder" in steps:
        sync(folder)

for number in range(20):
    save(number)
    os.write(1, str(number).encode())
"""

DATABASE = """
import os, sqlite3, sys
database = sqlite3.connect(sys.argv[1] + "/data.sqlite", isolation_level=None)
mode, synchronous = sys.argv[2].split()
database.execute(f"PRAGMA journal_mode = {mode}")
database.execute(f"PRAGMA synchronous = {synchronous}")
database.execute("PRAGMA wal_autocheckpoint = 20")
database.execute("CREATE TABLE numbers (number INTEGER PRIMARY KEY, filling TEXT)")
for commit in range(30):
    database.execute("BEGIN")
    for number in range(5 * commit, 5 * commit + 5):
        database.execute("INSERT INTO numbers VALUES (?, ?)", (number, "x" * 700))
    database.execute("COMMIT")
    os.write(1, str(number).encode())
"""


def verdicts(script: str, how: str, judge: Callable[[Path, int], str]) -> Counter[str]:
    """What is left after cuts everywhere, judged; `judge` gets the folder and the last number said before the cut."""
    found: Counter[str] = Counter()
    with ram_folder() as folder:
        operations = record(folder, script, how)
        said = [-1]
        for operation in operations:
            said.append(int(operation.said) if isinstance(operation, Marker) else said[-1])
        for cut in cuts(operations, Random(1)):
            lay_out(cut.state, folder)
            found[judge(folder, said[cut.after])] += 1
    assert found.total() > 100
    return found


def saved(folder: Path, promised: int) -> str:
    try:
        number = json.loads((folder / "state.json").read_text())["saved"]
    except FileNotFoundError:
        number = -1
    except ValueError:
        return "unreadable"
    return "lost" if number < promised else "good"


def stored(folder: Path, promised: int) -> str:
    with closing(sqlite3.connect(folder / "data.sqlite")) as database:
        try:
            if database.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                return "corrupt"
            if not database.execute("SELECT * FROM sqlite_master").fetchone():
                return "lost" if promised >= 0 else "good"
            rows = [number for (number,) in database.execute("SELECT number FROM numbers ORDER BY number")]
        except sqlite3.DatabaseError:
            return "corrupt"
    if rows != list(range(len(rows))) or len(rows) % 5:
        return "half a commit"
    return "lost" if len(rows) <= promised else "good"


@needs_strace
@pytest.mark.parametrize(
    ("steps", "outcomes"),
    [
        ("sync sync-folder", {"good"}),
        ("sync", {"good", "lost"}),
        ("sync-folder", {"good", "unreadable"}),
        ("", {"good", "lost", "unreadable"}),
        ("in-place sync sync-folder", {"good", "unreadable"}),
    ],
)
def test_a_file_is_saved_by_fsync_rename_and_fsync_of_the_folder(steps: str, outcomes: set[str]) -> None:
    assert set(verdicts(SAVE, steps, saved)) == outcomes


@needs_strace
@pytest.mark.parametrize(
    ("mode", "outcomes"),
    [
        ("WAL FULL", {"good"}),
        ("WAL NORMAL", {"good", "lost"}),
        ("DELETE EXTRA", {"good"}),
        ("DELETE FULL", {"good", "lost"}),
        ("TRUNCATE FULL", {"good"}),
        ("PERSIST FULL", {"good"}),
    ],
)
def test_sqlite_keeps_what_its_manual_says(mode: str, outcomes: set[str]) -> None:
    assert set(verdicts(DATABASE, mode, stored)) == outcomes


@needs_strace
def test_sqlite_without_any_fsync_is_corrupt_sooner_or_later() -> None:
    assert "corrupt" in verdicts(DATABASE, "WAL OFF", stored)
