"""The store from outside: what is put in is committed, handed out, settled and found again."""

import asyncio
import json
import sqlite3
import threading
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agent.domain.errors import StoreError
from agent.domain.reading import CheckedReading, Gap, StoredReading
from agent.store.database import open_database
from agent.store.room import Room
from agent.store.store import Store
from agent.store.writer import Writer
from cloud_sync.uplink.interfaces import Lane, Rejection
from tests.agent.conftest import Opened
from tests.agent.farm import OXYGEN, alarm, change, checked, others, settle, several, waiting
from tests.clock import FakeClock


def look(folder: Path, sql: str) -> list[Any]:
    with closing(sqlite3.connect(folder / "ring-buffer.sqlite")) as database:
        return database.execute(sql).fetchall()


async def numbers(store: Store, sink: str = "archive", lane: Lane | None = None) -> list[int]:
    """Of the readings that wait for the sink, or of what waits on one of the other lanes."""
    return [entry.seq for entry in (await others(store, lane, sink) if lane else await waiting(store, sink))]


async def test_a_stored_reading_is_the_one_that_was_put(opened: Opened) -> None:
    store = opened()
    put = [checked(1.5, 7.25), checked(2.25, None), checked(3.125, 9.0, because="z_score: é °C")]
    store.put(put, [])
    await store.commit()
    taken: Sequence[StoredReading] = await waiting(store)
    assert [one.seq for one in taken] == [1, 2, 3]
    assert [one.checked for one in taken] == put
    assert taken[0].checked.reading.sensor is OXYGEN


async def test_only_what_is_committed_is_handed_out(opened: Opened) -> None:
    store = opened()
    store.put(several(1, 3), [change(1)])
    assert await numbers(store) == []
    assert await numbers(store, lane=Lane.ALERTS) == []
    await store.commit()
    assert await numbers(store) == [1, 2, 3]
    assert await numbers(store, lane=Lane.ALERTS) == [1]


async def test_each_sink_goes_at_its_own_pace(opened: Opened) -> None:
    store = opened()
    store.put(several(1, 5), [])
    await store.commit()
    await settle(store, "archive", 3)
    assert await numbers(store, "archive") == [4, 5]
    assert await numbers(store, "http") == [1, 2, 3, 4, 5]


async def test_sequence_numbers_go_on_after_a_restart(opened: Opened, tmp_path: Path) -> None:
    store = opened()
    store.put(several(1, 5), [])
    await store.commit()
    await settle(store, "archive", 5)
    await store.close()
    with closing(sqlite3.connect(tmp_path / "ring-buffer.sqlite")) as database:
        database.execute("DELETE FROM readings")
        database.commit()
    store = opened()
    store.put(several(6, 1), [])
    await store.commit()
    assert await numbers(store) == [6]


def test_sequence_numbers_go_on_where_no_sink_remembers_them(tmp_path: Path) -> None:
    for first in (1, 301, 601):
        with closing(Writer(tmp_path / "ring-buffer.sqlite", 3_000_000, [], FakeClock().now)) as writer:
            writer.write(several(first, 300, 4000), [], [])
    assert look(tmp_path, "SELECT min(seq) >= 600, max(seq) FROM readings") == [(1, 900)]


def test_a_commit_is_on_the_disk_when_it_returns(tmp_path: Path) -> None:
    with closing(
        open_database(tmp_path / "ring-buffer.sqlite", Room(tmp_path / "ring-buffer.sqlite", 8_000_000))
    ) as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


async def test_a_refused_reading_is_set_aside_with_its_row_and_the_reason(opened: Opened, tmp_path: Path) -> None:
    store = opened()
    store.put(several(1, 5), [])
    await store.commit()
    await settle(store, "http", 4, [Rejection(2, "unknown sensor \ud800"), Rejection(4, "too old")])
    await store.commit()
    dead = look(tmp_path, "SELECT sink, stream, seq, because, entry FROM dead_letters")
    assert [row[:4] for row in dead] == [
        ("http", "readings", 2, "unknown sensor \\ud800"),
        ("http", "readings", 4, "too old"),
    ]
    assert json.loads(dead[0][4])[4] == 2.0
    assert look(tmp_path, "SELECT delivered, rejected FROM delivery WHERE sink = 'http' AND stream = 'readings'") == [
        (2, 2)
    ]


async def test_settling_twice_counts_once(opened: Opened, tmp_path: Path) -> None:
    store = opened()
    store.put(several(1, 5), [])
    await store.commit()
    for _ in range(2):
        await settle(store, "http", 4, [Rejection(2, "unknown sensor")])
    await store.commit()
    assert look(tmp_path, "SELECT count(*) FROM dead_letters") == [(1,)]
    assert look(tmp_path, "SELECT delivered, rejected FROM delivery WHERE sink = 'http' AND stream = 'readings'") == [
        (3, 1)
    ]


async def test_alarm_changes_are_stored_in_order_and_stand_after_a_restart(opened: Opened) -> None:
    low, high = alarm(), alarm(limit=20.0)
    store = opened()
    store.put([], [change(1, which=low), change(2, False, which=low), change(5, occurrence=2, which=low)])
    await store.commit()
    await store.feed_has(2)
    await store.close()
    recalled = await opened().recall(3600.0, lambda _: None)
    assert [(one.seq, one.standing.active, one.standing.occurrence) for one in recalled.standing] == [(5, True, 2)]
    assert [one.seq for one in recalled.unsent] == [5]
    assert str(recalled.standing[0].alarm) == str(low)
    assert recalled.standing[0].message == change(5).message
    assert high.limit == 20.0


async def test_an_alarm_is_committed_at_once_and_a_reading_with_the_next_beat(opened: Opened) -> None:
    store = opened()
    beats: list[float] = []
    slept = asyncio.Event()

    async def sleep(seconds: float) -> None:
        beats.append(seconds)
        await slept.wait()

    store._clock.sleep = sleep  # type: ignore[method-assign]
    running = asyncio.ensure_future(store.run())
    store.put(several(1, 1), [])
    await asyncio.sleep(0.02)
    assert await numbers(store) == []
    store.put([], [change(1)])
    while not await numbers(store, lane=Lane.ALERTS):
        await asyncio.sleep(0)
    assert await numbers(store) == [1]
    assert set(beats) == {2.0}
    running.cancel()


async def test_waiting_ends_when_something_new_is_stored(opened: Opened) -> None:
    store = opened()

    async def never(seconds: float) -> None:
        await asyncio.Event().wait()

    store._clock.sleep = never  # type: ignore[method-assign]
    waiting = asyncio.ensure_future(store.wait(5))
    await asyncio.sleep(0)
    store.put(several(1, 1), [])
    await store.commit()
    await asyncio.wait_for(waiting, 1)


@dataclass
class SlowWriter:
    """Holds the first write in the store's thread until told to go on."""

    writing: threading.Event
    go_on: threading.Event


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> SlowWriter:
    slow = SlowWriter(threading.Event(), threading.Event())
    write = Writer.write

    def held(self: Writer, readings: Sequence[CheckedReading], changes: Any, lost: Sequence[Gap]) -> None:
        slow.writing.set()
        slow.go_on.wait(5)
        write(self, readings, changes, lost)

    monkeypatch.setattr(Writer, "write", held)
    return slow


async def test_a_commit_that_is_cancelled_loses_nothing(opened: Opened, slow: SlowWriter) -> None:
    store = opened()
    running = asyncio.ensure_future(store.run())
    store.put(several(1, 3), [change(1)])
    await asyncio.to_thread(slow.writing.wait)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    store.put(several(4, 2), [])
    slow.go_on.set()
    await store.close()
    store = opened()
    assert await numbers(store) == [1, 2, 3, 4, 5]
    assert await numbers(store, lane=Lane.ALERTS) == [1]


async def test_a_cancelled_commit_that_fails_is_made_up_for_at_the_end(
    opened: Opened, slow: SlowWriter, tmp_path: Path
) -> None:
    (tmp_path / "state").write_text("not a folder")
    store = opened(tmp_path / "state" / "ring-buffer.sqlite")
    running = asyncio.ensure_future(store.run())
    store.put(several(1, 3), [change(1)])
    await asyncio.to_thread(slow.writing.wait)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    slow.go_on.set()
    with pytest.raises(StoreError):
        await numbers(store)
    (tmp_path / "state").unlink()
    await store.commit()
    assert await numbers(store) == [1, 2, 3]


async def test_what_is_put_during_a_commit_comes_with_the_next(opened: Opened, slow: SlowWriter) -> None:
    store = opened()
    store.put(several(1, 2), [])
    committing = asyncio.ensure_future(store.commit())
    await asyncio.to_thread(slow.writing.wait)
    store.put(several(3, 2), [])
    slow.go_on.set()
    await committing
    assert await numbers(store) == [1, 2]
    await store.commit()
    assert await numbers(store) == [1, 2, 3, 4]


async def test_a_change_numbered_below_the_log_gets_the_next_free_number(opened: Opened) -> None:
    """As after a start with an unreadable log and a clock that is behind: no sink would ever see it otherwise."""
    store = opened()
    store.put([], [change(1000)])
    await store.commit()
    await store.settle("archive", Lane.ALERTS, 0, 1000, [])
    store.put([], [change(5), change(6)])
    await store.commit()
    assert await numbers(store, lane=Lane.ALERTS) == [1001, 1002]
    assert store.trouble is None
