"""A ring buffer as a killed gateway leaves it, made with plain SQL on the real schema."""

import random
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.store.checksum import checksum
from agent.store.database import schema, second_copies
from agent.store.room import PAGE_BYTES
from agent.store.salvage.carry import Salvage
from agent.store.salvage.catalog import tables
from agent.store.salvage.frames import FRAME_HEADER, LOG_HEADER
from agent.store.salvage.pages import rows_of

Row = tuple[Any, ...]
Pair = tuple[str, Row]
NAME = "ring-buffer.sqlite"
DAMAGED = f"{NAME}.damaged-1"
SENSORS = 30
PAGE = PAGE_BYTES
FRAME = FRAME_HEADER + PAGE


def opened(path: Path, page: int = PAGE) -> sqlite3.Connection:
    """A connection as the gateway has it; the schema is made where there is none."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(f"PRAGMA page_size = {page}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = OFF")
    if not connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
        connection.executescript(schema() + second_copies())
    return connection


def put(connection: sqlite3.Connection, table: str, rows: Iterable[Row]) -> list[Pair]:
    """Write rows, given without their checksum, and return them with it; one of the same key is replaced."""
    summed = [(*row, checksum(table, row)) for row in rows]
    if summed:
        marks = ", ".join("?" * len(summed[0]))
        connection.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", summed)  # noqa: S608
    return [(table, row) for row in summed]


def held(connection: sqlite3.Connection) -> set[Pair]:
    """Every row with the name of its table, checksum and all."""
    names = [table.name for table in tables()]
    return {(name, row) for name in names for row in connection.execute(f"SELECT * FROM {name}")}  # noqa: S608


def reading(seq: int, dice: random.Random) -> Row:
    """One of SENSORS sensors; most are good, a few are missing, suspect, or integral."""
    luck = dice.random()
    place = (seq, 1 + seq % SENSORS, 1 + seq // 5000, seq * 50)
    if luck < 0.02:
        return (*place, None, 9, 0.0, None, "no reply in 0.3 s on var/farm/ttyRS485, unit 3")
    if luck < 0.05:
        return (*place, dice.gauss(8, 3), 3, 0.75, 11311, "0.91 pH from the median of the last three – suspect")
    # SQLite forgets the sign of -0.0, so none is ever written.
    return (*place, round(dice.gauss(8, 3), 2) + 0.0 if luck < 0.9 else 8.0, 1, 1.0, 11111, None)


@dataclass(frozen=True)
class Corpus:
    """The files of a killed gateway, `path` and those beside it; what SQLite reads there, and all there ever was."""

    path: Path
    held: set[Pair]
    written: set[Pair]

    def copied(self, folder: Path) -> Path:
        """The same files in another folder."""
        for part in parts(self.path):
            shutil.copy(part, folder)
        return folder / self.path.name


def parts(path: Path) -> list[Path]:
    """The files that belong to a database: itself, its log, the log's index."""
    return [path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm")]


def build(folder: Path, readings: int = 10_000, page: int = PAGE) -> Corpus:
    """Cursors moved, segments were set right, the oldest readings have left; the last commits are only in the log."""
    dice, live = random.Random(1), folder / "live.sqlite"
    with closing(opened(live, page)) as connection:
        written = put(connection, "epochs", [(1, "0d6a2c74-95c5-4d6c-8f6e-6f1ff6a0a6b1", 1)])
        written += put(connection, "sensors", (sensor(n) for n in range(1, SENSORS + 1)))
        for first in range(1, readings, 500):
            written += commit(connection, first, 500, dice)
        connection.execute("PRAGMA wal_checkpoint(RESTART)")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        for first in range(readings + 1, readings + 2000, 100):
            written += commit(connection, first, 100, dice)
        content = held(connection)
        for part, copied in zip(parts(live), parts(folder / DAMAGED), strict=True):
            shutil.copy(part, copied)
    return Corpus(folder / DAMAGED, content, set(written))


def sensor(number: int) -> Row:
    """A row of `sensors`."""
    tank = number // 5
    identity = (f"{number:08x}-0000-4000-8000-{number:012x}", f"tank-{tank}", f"{tank:032x}", f"probe-{number}")
    return (number, *identity, "oxygen", "DissolvedOxygen", "mg/L")


def commit(connection: sqlite3.Connection, first: int, count: int, dice: random.Random) -> list[Pair]:
    """What a commit writes when `count` readings came in, from number `first` on, and the oldest had to leave."""
    last, which = first + count - 1, 1 + first % SENSORS
    segment = 1 + last // 5000
    limits = (6.0, 0.3, 10.0, 20.0)
    rollup = (first, last, count, count - 2, 6.5, 8.0, dice.gauss(10, 1), 1, 1.0)
    raised = (first // count % 2, first, f"raised-{first}", segment, first * 50, 5.8, 1, "too low; " * 20)
    told = ("shelved", "shelved", 0, first * 50 + 60_000, "Ana", "cleaning")
    rows: dict[str, list[Row]] = {
        "segments": [(segment, f"boot-{segment}", 1000 * segment, 10**15, 10**15 + first, 0)],
        "readings": [reading(seq, dice) for seq in range(first, last + 1)],
        "rollups": [(first, which, 60_000_000 * first, 1, *rollup)],
        "alarm_log": [(1_795_435_200_000_000 + first, which, "low", "critical", *limits, *raised, *told)],
        "gaps": [(first, 1, "cloud", first, first + 9, 10**15, 10**15 + 1, None, "the ring buffer was full")],
        "cursors": [
            ("archive", "readings", last, last, 0),
            ("cloud", "readings", first - 1, first - 1, 3),
            ("cloud", "gaps", first, 1, 0),
        ],
        "ahead": [("cloud", first + 50, first + 60)],
        "dead_letters": [(first, "cloud", "readings", first, "422: too old", "entry " * dice.randrange(1500), 0)],
        "marks": [("rolled up", first)],
    }
    if segment > 1:
        settled = segment - 1
        rows["segments"].append((settled, f"boot-{settled}", 1000 * settled, 10**15, 10**15 + segment, 2))
    connection.execute("BEGIN")
    connection.execute("DELETE FROM ahead")
    written = [pair for table, new in rows.items() for pair in put(connection, table, new)]
    connection.execute("DELETE FROM readings WHERE seq < ?", (first - 7_000,))
    connection.execute("COMMIT")
    return written


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    yield
    connection.execute("COMMIT")


def paged(data: bytes) -> list[bytes]:
    """The pages of a file."""
    return [data[at : at + PAGE] for at in range(0, len(data), PAGE)]


def images(path: Path) -> dict[tuple[str, int], bytes]:
    """Every page of the file and of its log."""
    file, log = (part.read_bytes() if part.exists() else b"" for part in parts(path)[:2])
    pages = {("file", at): file[at : at + PAGE] for at in range(0, len(file), PAGE)}
    return pages | {("log", at): log[at : at + FRAME] for at in range(LOG_HEADER, len(log), FRAME)}


def undamaged(before: Path, after: Path) -> set[Pair]:
    """The rows on pages that are in both."""
    sound = images(after)
    same = [image for place, image in images(before).items() if sound.get(place) == image]
    return {pair for image in same for pair in rows_of(image[-PAGE:]).whole}


def pages_of(path: Path, kind: int) -> list[int]:
    """Numbers of the pages that begin with that byte, counted from 0."""
    data = path.read_bytes()
    return [at // PAGE for at in range(PAGE, len(data), PAGE) if data[at] == kind]


def overwrite(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


def noise(path: Path, *numbers: int) -> None:
    for number in numbers:
        overwrite(path, number * PAGE, random.Random(number).randbytes(PAGE))


def finish(salvage: Salvage, connection: sqlite3.Connection) -> None:
    more = True
    while more:
        with transaction(connection):
            more = salvage.step(connection)
        salvage.give_up_chunk()
