"""Disks that take nothing: nothing stops, the trouble is told, and what is lost is counted."""

import logging
from pathlib import Path

import pytest

from agent.domain.reading import Gap
from agent.store.room import Room
from cloud_sync.uplink.interfaces import Lane
from tests.agent.conftest import Opened
from tests.agent.farm import at, change, checked, counting, filled, held, others, several

NAME = "ring-buffer.sqlite"


async def test_a_full_disk_makes_the_ring_turn_in_what_it_has(
    tmp_path: Path, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file may not grow any more: the oldest go, counted, and everything newer is there."""
    monkeypatch.setattr(Room, "limit", lambda _, connection: connection.execute("PRAGMA max_page_count = 2800"))
    store = opened(tmp_path / NAME)
    put = 0
    for _ in range(60):
        store.put(several(put + 1, 100, 1000), [change(put + 1)])
        put += 100
        await store.commit()
        assert store.trouble is None
    there = await held(store)
    assert there == counting(put - len(there) + 1, put)
    assert 1000 < len(there) < 3000
    gaps = [gap for gap in await others(store, Lane.GAPS) if isinstance(gap, Gap)]
    assert sum(gap.count or 0 for gap in gaps) == put - len(there)
    assert {gap.because for gap in gaps} == {"the ring buffer was full"}
    assert len(await others(store, Lane.ALERTS)) == 60


async def test_a_disk_that_takes_nothing_loses_only_what_is_counted(
    tmp_path: Path, opened: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    """100 readings wait in memory, the older ones are counted, and all the others are there in the end."""
    path = tmp_path / "state" / NAME
    store = await filled(opened(path), 1, 50)
    path.parent.rename(tmp_path / "elsewhere")
    path.parent.write_text("not a folder")
    put = 50
    for _ in range(4):
        store.put(several(put + 1, 60), [change(put)])
        put += 60
        await store.commit()
    assert store.trouble is not None
    assert [record.levelno for record in caplog.records].count(logging.ERROR) <= 2
    path.parent.unlink()
    (tmp_path / "elsewhere").rename(path.parent)
    await store.commit()
    assert store.trouble is None
    assert caplog.records[-1].getMessage() == "Readings are stored again"
    there = await held(store)
    (gap,) = [gap for gap in await others(store, Lane.GAPS) if isinstance(gap, Gap)]
    assert gap.because == "the disk did not take readings and the memory for them was full"
    assert gap.count == put - len(there)
    assert there == sorted(there, key=float) and there[-100:] == counting(put - 99, put)
    assert len(await others(store, Lane.ALERTS)) == 5


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
    (gap,) = await others(store, Lane.GAPS)
    assert isinstance(gap, Gap)
    assert (gap.count, gap.from_us, gap.to_us) == (3, 10, 90)


async def test_a_start_without_a_readable_store_recalls_nothing_and_goes_on(tmp_path: Path, opened: Opened) -> None:
    (tmp_path / "state").write_text("not a folder")
    store = opened(tmp_path / "state" / NAME)
    assert (await store.recall(3600.0, lambda _: None)).standing == ()
    assert store.trouble is not None


async def test_what_a_sick_disk_does_not_take_at_the_end_is_counted_in_the_log(
    tmp_path: Path, opened: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state").write_text("not a folder")
    store = opened(tmp_path / "state" / NAME)
    store.put(several(1, 130), [change(1)])
    await store.close()
    assert caplog.records[-1].getMessage() == "130 readings and 1 alarm changes could not be stored and are lost"
