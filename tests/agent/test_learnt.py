"""What checks have learnt is kept in the ring buffer; amiss as it may be, a start goes on without it."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.checks import CHECKS
from agent.checks.defaults import limits_for
from agent.checks.sensor_checks import farm_checks
from agent.domain.alarm import Alarm
from agent.domain.farm import Sensor
from agent.domain.reading import CheckedReading, Flag
from agent.pipeline import Pipeline
from agent.store.checksum import checksum
from agent.store.inspection.reader import Reader
from agent.store.inspection.verification import verify
from agent.store.learnt import Known
from agent.store.memory import Remembered
from agent.store.store import Store, StoreSettings
from agent.store.writer import Writer
from tests.agent.farm import OXYGEN, PROBE, at, checked, reading
from tests.clock import FakeClock

Limits = dict[Sensor, dict[str, Any]]
HOUR_S = 3600.0


def limits() -> Limits:
    return {sensor: limits_for(sensor.quantity) for sensor in PROBE.sensors}


class Life:
    """One run of a gateway on that ring buffer, from its start at `boot_s`: what it was given of the past."""

    def __init__(self, folder: Path, boot_s: float, limits: Limits, trusted: bool = True, boot_id: str = "") -> None:
        self.kept: list[CheckedReading] = []
        self.alarms: list[Alarm] = []
        self.pipeline = Pipeline(farm_checks([PROBE], limits), [], lambda new, _: self.kept.extend(new), lambda _: None)
        self.known: list[Known] = []
        self.past: list[Remembered] = []
        self.writer = Writer(folder / "ring-buffer.sqlite", 10_000_000, [], FakeClock().now)
        now = at(boot_s, trusted=trusted)
        now = replace(now, boot_id=boot_id or now.boot_id)
        self.writer.recall(now, self.pipeline.memory_s, self._remember, self._restore)

    def _remember(self, past: Remembered) -> None:
        self.past.append(past)
        self.pipeline.remember(past)

    def _restore(self, known: Known) -> float:
        self.known.append(known)
        return self.pipeline.restore(known)

    def hears(self, first: int, count: int) -> None:
        for n in range(first, first + count):
            self.pipeline.take_in([reading(n * 60.0, 8.0 + n % 7 / 50, sensor) for sensor in PROBE.sensors])

    def ends(self, with_note: bool = True) -> None:
        self.writer.write(self.kept, [], [])
        if with_note:
            offset_ms, learnt = self.pipeline.learnt()
            self.writer.keep_learnt(learnt, offset_ms, self.kept[-1].reading.at)
        self.writer.close()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """With a day of readings, learnt and noted."""
    life = Life(tmp_path, 0.0, limits())
    life.hears(0, 1440)
    life.ends()
    yield tmp_path


def said_next(life: Life) -> list[tuple[Any, ...]]:
    life.hears(1440, 60)
    return [one[1:] for one in life.kept]


def test_a_start_reads_nothing_again_that_was_learnt_and_noted(folder: Path) -> None:
    life = Life(folder, 1440 * 60.0, limits())
    assert [known.upto for known in life.known] == [2880]
    assert life.past == []
    life.hears(1440, 10)
    life.ends(with_note=False)
    assert len(Life(folder, 1450 * 60.0, limits()).past) == 20


def rewrite(folder: Path, change: Callable[[list[Any]], None], sums: bool = True) -> None:
    """Every row of what was learnt, changed; with or without the checksum that belongs to it."""
    with closing(sqlite3.connect(folder / "ring-buffer.sqlite")) as database, database:
        rows = [list(row) for row in database.execute("SELECT * FROM learnt").fetchall()]
        database.execute("DELETE FROM learnt")
        for row in rows:
            change(row)
            row[-1] = checksum("learnt", row[:-1]) if sums else row[-1]
        database.executemany("INSERT INTO learnt VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


def set_column(column: int, value: Any) -> Callable[[list[Any]], None]:
    return lambda row: row.__setitem__(column, value)


def spoil_number(row: list[Any]) -> None:
    state = json.loads(row[7])
    row[7] = json.dumps(dict.fromkeys(state, "much"))


AMISS: dict[str, tuple[Callable[[list[Any]], None], bool]] = {
    "a flipped bit": (lambda row: row.__setitem__(7, row[7].replace("1", "3")), False),
    "another version of the checks": (set_column(2, "0 Limits()"), True),
    "text that is no JSON": (set_column(7, "{"), True),
    "not a state": (set_column(7, "[1, 2]"), True),
    "no number": (set_column(7, '{"points": [[NaN, 1]]}'), True),
    "words for numbers": (spoil_number, True),
    "a sensor that is not there": (lambda row: row.__setitem__(0, row[0] + 100), True),
    "a segment that is not there": (set_column(4, 99), True),
    "readings that never were": (set_column(3, 10_000), True),
    "a moment to come": (set_column(5, 10**12), True),
    "long ago, with days of readings since": (set_column(5, -(10**9)), True),
}


@pytest.mark.parametrize("what", AMISS)
def test_whatever_is_amiss_the_stored_readings_are_learnt(what: str, folder: Path) -> None:
    change, sums = AMISS[what]
    rewrite(folder, change, sums)
    life = Life(folder, 1440 * 60.0, limits())
    assert len(life.past) == 2880
    rewrite(folder, lambda row: None)
    with closing(sqlite3.connect(folder / "ring-buffer.sqlite")) as database, database:
        database.execute("DELETE FROM learnt")
    assert said_next(life) == said_next(Life(folder, 1440 * 60.0, limits()))


def test_checks_with_other_limits_learn_the_readings_and_the_others_know_what_they_knew(folder: Path) -> None:
    other = limits()
    other[OXYGEN]["anomaly"] = CHECKS["anomaly"].limits(least=0.5)
    life = Life(folder, 1440 * 60.0, other)
    assert len(life.past) == 2880
    uninterrupted = Life(folder / "anew", 0.0, other)
    uninterrupted.hears(0, 1440)
    del uninterrupted.kept[:]
    assert said_next(life) == said_next(uninterrupted)


LATER = "00000000-0000-4000-8000-000000000002"


@pytest.mark.parametrize("trusted", [True, False])
def test_across_boots_only_right_clocks_tell_how_old_it_is(trusted: bool, folder: Path) -> None:
    life = Life(folder, 2000 * 60.0, limits(), trusted, LATER)
    assert [known.dated for known in life.known] == [trusted]
    assert life.past == []


def test_within_a_boot_the_boot_clock_tells_it_alone(folder: Path) -> None:
    life = Life(folder, 1440 * 60.0, limits(), trusted=False)
    assert [known.dated for known in life.known] == [True]
    assert life.past == []
    assert said_next(life) == said_next(Life(folder, 1440 * 60.0, limits()))


def test_without_a_clock_after_a_reboot_what_is_usual_is_known_and_nothing_of_what_was_last(folder: Path) -> None:
    life = Life(folder, 30.0, limits(), trusted=False, boot_id=LATER)

    def hears(n: int, value: float) -> CheckedReading:
        moment = replace(at(60.0 * n, trusted=False), boot_id=LATER)
        life.pipeline.take_in([reading(0.0, value)._replace(at=moment)])
        return life.kept[-1]

    first = hears(1, 5.0)
    assert first.flag is Flag.GOOD, "the pond was off for a while: no jump, no hole, no rate of change"
    place = list(CHECKS).index("anomaly")
    assert first.tests[place] == "2"
    assert [hears(n, 5.0 + n % 7 / 50).tests[place] for n in range(2, 5)] == ["1"] * 3
    assert hears(5, 8.0).tests[place] == "3", "what is usual was learnt on the day before"
    unlearnt = Life(folder / "anew", 30.0, limits(), trusted=False, boot_id=LATER)
    assert unlearnt.known == []


def test_what_was_stored_without_a_clock_since_the_note_moves_nothing_in_time(folder: Path) -> None:
    life = Life(folder, 1440 * 60.0, limits())
    life.hears(1440, 10)
    life.ends(with_note=False)
    between = Life(folder, 30.0, limits(), trusted=False, boot_id=LATER)
    moment = replace(at(60.0, trusted=False), boot_id=LATER)
    between.pipeline.take_in([reading(0.0, 8.0)._replace(at=moment)])
    between.ends(with_note=False)
    last = Life(folder, 3 * 24 * HOUR_S, limits(), boot_id="00000000-0000-4000-8000-000000000003")
    (known,) = last.known
    assert (known.dated, known.offset_ms) == (False, 0), "it keeps its own time, which is known"
    assert [past.at_s for past in last.past][::2] == [n * 60.0 for n in range(1440, 1450)]


def test_a_start_without_a_note_learns_no_more_than_so_many_readings(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(sqlite3.connect(folder / "ring-buffer.sqlite")) as database, database:
        database.execute("DELETE FROM learnt")
    monkeypatch.setattr("agent.store.memory.MOST_AGAIN", 100)
    life = Life(folder, 1440 * 60.0, limits())
    assert [past.seq for past in life.past] == list(range(2781, 2881)), "the newest"


def test_it_is_no_damage_to_the_file(folder: Path) -> None:
    with closing(Reader(folder / "ring-buffer.sqlite")) as reader:
        found = verify(reader)
    assert found.well
    assert found.rows["learnt"] > 10


async def test_the_store_asks_every_hour_and_when_the_gateway_stops(tmp_path: Path) -> None:
    clock = FakeClock()
    store = Store(StoreSettings(tmp_path / "ring-buffer.sqlite", 10), [], clock)
    pipeline = Pipeline(farm_checks([PROBE], limits()), [], store.put, lambda _: None)
    asked: list[float] = []

    def learnt() -> Any:
        asked.append(clock.boot)
        return pipeline.learnt()

    store.learnt = learnt
    await store.recall(0.0, lambda _: None)
    clock.advance(HOUR_S)
    await store.commit()
    assert asked == [], "nothing was learnt yet"
    for _ in range(100):
        clock.advance(60.0)
        store.put([checked(clock.boot, 8.0)], [])
        await store.commit()
    assert asked == [1000.0 + HOUR_S + 60.0, 1000.0 + 2 * HOUR_S + 60.0]
    store.keep_learnt()
    await store.close()
    assert len(asked) == 3
