"""Dead letters that a person wants to be offered again: from the request to the sink, and what cannot be offered."""

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from agent.domain.alarm import AlarmChange
from agent.domain.delivery import DeadLetter
from agent.domain.reading import StoredReading
from agent.store.requests import Replay, folder_beside, leave
from agent.store.store import Store
from cloud_sync.uplink.interfaces import Lane, Rejection
from tests.agent.conftest import Opened
from tests.agent.farm import filled, settle

NAME = "ring-buffer.sqlite"


@pytest.fixture
async def store(opened: Opened) -> Store:
    """The sink `http` has refused readings 3, 4 and 7 (letters 1, 2 and 3) and the alarm change (letter 4)."""
    store = await filled(opened())
    await settle(store, "http", 10, [Rejection(seq, "no such sensor") for seq in (3, 4, 7)])
    await store.settle("http", Lane.ALERTS, 0, 1, [Rejection(1, "too late")])
    await store.commit()
    return store


async def offered(store: Store, sink: str = "http") -> list[DeadLetter]:
    found = (await store.take(sink, Lane.REPLAY, 100)).entries
    letters = [letter for letter in found if isinstance(letter, DeadLetter)]
    assert len(letters) == len(found)
    return letters


async def one_beat(store: Store, folder: Path) -> None:
    """The store runs until it has carried out what was asked for."""
    running = asyncio.ensure_future(store.run())
    while any(folder_beside(folder / NAME).iterdir()):
        await asyncio.sleep(0.001)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def letters(folder: Path) -> dict[int, tuple[str, int]]:
    """Reason and replay of each, by number."""
    with closing(sqlite3.connect(folder / NAME)) as database:
        rows = database.execute("SELECT id, because, replay FROM dead_letters").fetchall()
    return {number: (because, replay) for number, because, replay in rows}


async def test_what_a_request_names_is_offered_again_and_gone_when_taken(store: Store, tmp_path: Path) -> None:
    assert await offered(store) == []
    leave(folder_beside(tmp_path / NAME), Replay("http", [1, 4, 99]))
    await one_beat(store, tmp_path)
    reading, alert = await offered(store)
    assert isinstance(reading.entry, StoredReading)
    assert (reading.seq, reading.entry.seq, reading.entry.checked.reading.value) == (1, 3, 3.0)
    assert isinstance(alert.entry, AlarmChange)
    assert await offered(store, "archive") == []
    await store.settle("http", Lane.REPLAY, 0, 4, [Rejection(4, "still too late")])
    await store.commit()
    assert await offered(store) == []
    assert letters(tmp_path) == {2: ("no such sensor", 0), 3: ("no such sensor", 0), 4: ("still too late", 0)}


async def test_what_was_asked_for_is_durable(store: Store, opened: Opened, tmp_path: Path) -> None:
    leave(folder_beside(tmp_path / NAME), Replay("http", None))
    await one_beat(store, tmp_path)
    assert [replay for _, replay in letters(tmp_path).values()] == [1, 1, 1, 1]
    await store.close()
    assert [letter.seq for letter in await offered(opened())] == [1, 2, 3, 4]


async def test_a_request_left_before_the_start_is_carried_out(store: Store, opened: Opened, tmp_path: Path) -> None:
    await store.close()
    leave(folder_beside(tmp_path / NAME), Replay("http", None))
    store = opened()
    await one_beat(store, tmp_path)
    assert len(await offered(store)) == 4


async def test_a_request_for_a_sink_that_nobody_knows_does_no_harm(store: Store, tmp_path: Path) -> None:
    leave(folder_beside(tmp_path / NAME), Replay("", None))
    leave(folder_beside(tmp_path / NAME), Replay("nobody", [1, 2**80]))
    await one_beat(store, tmp_path)
    assert store.trouble is None
    assert await offered(store) == []


ODD_ENTRIES = {
    "of the first schema": '{"seq": 3, "value": 3.0}',
    "no JSON": "rubbish",
    "nothing": "[]",
    "a number": "7",
    "too short": "[1, 2]",
    "a flipped bit": json.dumps([3, 1, 1, 3000, 3.5, 1, 1.0, 11111, None, 0]),
}


@pytest.mark.parametrize("entry", ODD_ENTRIES.values(), ids=ODD_ENTRIES)
@pytest.mark.parametrize("stream", ["readings", "alerts", "gaps", "rollups", "unknown"])
async def test_a_letter_that_does_not_fit_is_not_offered_and_says_why(
    store: Store, tmp_path: Path, entry: str, stream: str
) -> None:
    with closing(sqlite3.connect(tmp_path / NAME)) as database:
        database.execute("UPDATE dead_letters SET entry = ?, stream = ? WHERE id = 2", (entry, stream))
        database.commit()
    for _ in range(2):
        leave(folder_beside(tmp_path / NAME), Replay("http", None))
        await one_beat(store, tmp_path)
        assert [letter.seq for letter in await offered(store)] == [1, 3, 4]
    assert store.trouble is None
    because, replay = letters(tmp_path)[2]
    assert because.startswith("no such sensor; it cannot be offered again: ")
    assert (because.count("cannot be offered"), replay) == (1, 0)


async def test_a_letter_whose_sensor_is_gone_is_not_offered(store: Store, opened: Opened, tmp_path: Path) -> None:
    await store.close()
    with closing(sqlite3.connect(tmp_path / NAME)) as database:
        database.execute("UPDATE sensors SET id = 7")
        database.execute("UPDATE readings SET sensor = 7")
        database.execute("UPDATE alarm_log SET sensor = 7")
        database.commit()
    store = opened()
    leave(folder_beside(tmp_path / NAME), Replay("http", None))
    await one_beat(store, tmp_path)
    assert await offered(store) == []
    assert store.trouble is None
    assert {replay for _, replay in letters(tmp_path).values()} == {0}
