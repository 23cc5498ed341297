"""Disks that take nothing: nothing stops, the trouble is told, and what is lost is counted."""

import logging
import sqlite3
from pathlib import Path

import pytest

from agent.store import database
from cloud_sync.uplink.interfaces import Stream
from tests.agent.conftest import Opened
from tests.agent.farm import at, change, checked, counting, filled, held, several

NAME = "ring-buffer.sqlite"


async def test_a_full_database_loses_only_what_is_counted(
    tmp_path: Path, opened: Opened, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """100 readings wait in memory, the older ones are counted, and all the others are there in the end."""
    usual, most_pages = database._open, [150]

    def limited(path: Path) -> sqlite3.Connection:
        connection = usual(path)
        connection.execute(f"PRAGMA max_page_count = {most_pages[0]}")
        return connection

    monkeypatch.setattr(database, "_open", limited)
    store = opened(tmp_path / NAME)
    put = 0
    while store.trouble is None:
        assert put < 2_000
        store.put(several(put + 1, 100, 1000), [])
        put += 100
        await store.commit()
    assert "full" in store.trouble
    stored = put - 100
    assert await held(store) == counting(1, stored)
    for _ in range(3):
        store.put(several(put + 1, 30, 1000), [change(put)])
        put += 30
        await store.commit()
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    most_pages[0] *= 2
    await store.commit()
    assert store.trouble is None
    assert caplog.records[-1].getMessage() == "Readings are stored again"
    assert await held(store) == counting(1, stored) + counting(put - 99, put)
    (gap,) = await store.take("archive", Stream.GAPS, 10)
    assert gap.count == 90
    assert gap.because == "the disk did not take readings and the memory for them was full"
    assert len(await store.take("archive", Stream.ALERTS, 10)) == 3


async def test_a_file_in_place_of_the_folder_is_told_and_storing_begins_when_it_is_gone(
    tmp_path: Path, opened: Opened
) -> None:
    folder = tmp_path / "state"
    folder.write_text("not a folder")
    store = await filled(opened(folder / NAME))
    assert store.trouble is not None
    assert str(folder / NAME) in store.trouble
    folder.unlink()
    await filled(store, 51)
    assert store.trouble is None
    assert await held(store) == counting(1, 100)


async def test_what_was_lost_is_told_with_its_whole_time_even_if_the_clock_stepped_back(
    tmp_path: Path, opened: Opened
) -> None:
    (tmp_path / "state").write_text("not a folder")
    store = opened(tmp_path / "state" / NAME, 2)
    store.put([checked(n, 8.0, moment=at(n, utc_us)) for n, utc_us in enumerate((50, 90, 10, 70, 80))], [])
    (tmp_path / "state").unlink()
    await store.commit()
    (gap,) = await store.take("archive", Stream.GAPS, 10)
    assert (gap.count, gap.from_us, gap.to_us) == (3, 10, 90)


async def test_a_start_without_a_readable_store_recalls_nothing_and_goes_on(tmp_path: Path, opened: Opened) -> None:
    (tmp_path / "state").write_text("not a folder")
    store = opened(tmp_path / "state" / NAME)
    assert (await store.recall(0.7, lambda _: None)).standing == ()
    assert store.trouble is not None


async def test_what_a_sick_disk_does_not_take_at_the_end_is_counted_in_the_log(
    tmp_path: Path, opened: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state").write_text("not a folder")
    store = opened(tmp_path / "state" / NAME)
    store.put(several(1, 130), [change(1)])
    await store.close()
    assert caplog.records[-1].getMessage() == "130 readings and 1 alarm changes could not be stored and are lost"
