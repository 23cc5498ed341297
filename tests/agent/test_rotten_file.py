"""Files that are rubbish, cut short, of another version, or suddenly gone."""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.store.checksum import checksum
from tests.agent.conftest import Opened
from tests.agent.farm import counting, filled, held

NAME = "ring-buffer.sqlite"


RUBBISH = b"rubbish, not a database at all\n" * 1000


@pytest.mark.parametrize("rubbish", [RUBBISH, b"SQLite format 3\0" + RUBBISH], ids=["text", "header"])
async def test_rubbish_is_set_aside_and_a_new_file_begun(tmp_path: Path, opened: Opened, rubbish: bytes) -> None:
    (tmp_path / NAME).write_bytes(rubbish)
    store = await filled(await filled(opened(tmp_path / NAME)), 51)
    assert store.trouble is None
    assert await held(store) == counting(1, 100)
    assert (tmp_path / f"{NAME}.damaged-1").read_bytes() == rubbish


@pytest.mark.parametrize("kept", [0, 100, 4096, 9000])
async def test_a_truncated_file_does_not_stop_the_gateway(tmp_path: Path, opened: Opened, kept: int) -> None:
    before = await filled(opened(tmp_path / NAME, 5000), 1, 2000)
    await before.close()
    whole = (tmp_path / NAME).read_bytes()
    assert len(whole) > 9000
    (tmp_path / NAME).write_bytes(whole[:kept])
    store = opened(tmp_path / NAME)
    await store.recall(3600.0, lambda _: None)
    await filled(await filled(store, 3001), 3051)
    assert store.trouble is None
    assert (await held(store))[-100:] == counting(3001, 3100)


async def test_a_file_of_another_version_is_left_alone_and_told(tmp_path: Path, opened: Opened) -> None:
    with sqlite3.connect(tmp_path / NAME) as other:
        other.execute("PRAGMA user_version = 99")
    other.close()
    store = await filled(opened(tmp_path / NAME))
    assert store.trouble == f"{tmp_path / NAME} was written by another version (schema 99, this one reads 3)"
    assert [path.name for path in tmp_path.iterdir() if "damaged" in path.name] == []


async def test_rows_of_a_newer_version_are_told_instead_of_ending_the_gateway(tmp_path: Path, opened: Opened) -> None:
    before = await filled(opened(tmp_path / NAME))
    with sqlite3.connect(tmp_path / NAME) as database:
        row = list(database.execute("SELECT * FROM sensors").fetchone()[:-1])
        row[6] = "Ammonia"
        database.execute("UPDATE sensors SET sensor_type = 'Ammonia', crc = ?", (checksum("sensors", row),))
    database.close()
    store = await filled(opened(tmp_path / NAME), 51)
    assert before.trouble is None
    assert store.trouble is not None
    assert "Ammonia" in store.trouble


def everything(path: Path) -> list[Path]:
    return [path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")]


def remove(path: Path) -> None:
    for part in everything(path):
        part.unlink(missing_ok=True)


def remove_the_main_file_only(path: Path) -> None:
    path.unlink()


def replace(path: Path) -> None:
    copy = path.with_name("copy")
    shutil.copy(path, copy)
    remove(path)
    copy.rename(path)


@pytest.mark.parametrize("harm", [remove, remove_the_main_file_only, replace])
async def test_a_file_removed_while_in_use_is_noticed_and_readings_go_to_a_new_one(
    tmp_path: Path, opened: Opened, harm: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / NAME
    store = await filled(opened(path))
    harm(path)
    await filled(store, 51)
    assert store.trouble is not None
    assert "removed or replaced" in store.trouble
    await filled(store, 101)
    assert store.trouble is None
    await store.close()
    assert (await held(opened(path)))[-100:] == counting(51, 150)
    assert "removed or replaced" in caplog.text
