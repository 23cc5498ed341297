"""A disk whose calls fail, that is full, or that is taken away: alarms go out, what was committed stays, it heals."""

import errno
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

import pytest

from agent.store.store import Store, StoreSettings
from simulators.farm import Farm
from tests.agent.farm import several
from tests.clock import FakeClock
from tests.system.farms import CRITICAL, LOW, NOT_CRITICAL, NOT_LOW
from tests.system.io_errors import FLUSHES, READS, WRITES, IoErrors
from tests.system.listener import Listener
from tests.system.loop_disk import LoopDisk, may_loop
from tests.system.processes import Gateway
from tests.system.stage import Stage
from tests.system.waiting import until

_ROWS = "SELECT seq, sensor_id, value, flag FROM reading ORDER BY seq"
_NAMES = "SELECT sensor_id, time_utc FROM reading"
"""By these the world knows a reading."""


async def on_stage(stage: Stage, state: Path | None = None) -> tuple[Farm, Listener, Gateway]:
    farm, broker = await stage.farm(), await stage.broker()
    listener = await stage.listener(broker.port)
    return farm, listener, stage.gateway(farm, broker.port, sinks="archive", state=state)


async def a_failure_is_told(farm: Farm, listener: Listener) -> None:
    """And its end."""
    farm.pond("tank-1").aerating = False
    await listener.hears(LOW, CRITICAL)
    farm.pond("tank-1").aerating = True
    await listener.hears(NOT_CRITICAL, NOT_LOW)


async def all_is_archived(stage: Stage, gateway: Gateway) -> list[Any]:
    """Every reading that is stored by now gets into the archive, and each is there once; returns the rows."""
    rows, names = gateway.rows(_ROWS), {tuple(name) for name in gateway.rows(_NAMES)}
    assert len(names) >= len(rows), "a reading is stored twice"
    await until(lambda: names <= set(archived_names(stage)), what="all that is stored is archived")
    archived = archived_names(stage)
    assert len(archived) == len(set(archived))
    return rows


def archived_names(stage: Stage) -> list[tuple[str, str]]:
    return [(record["sensor_id"], record["time"]) for record in stage.archived()]


@pytest.mark.parametrize(
    ("calls", "code"),
    [(WRITES, errno.EIO), (WRITES, errno.ENOSPC), (FLUSHES, errno.EIO), (READS, errno.EIO)],
    ids=["writes-eio", "writes-enospc", "flushes-eio", "reads-eio"],
)
async def test_calls_that_fail_cost_no_alarm_and_no_reading(stage: Stage, calls: str, code: int) -> None:
    farm, listener, gateway = await on_stage(stage)
    errors = IoErrors(gateway, stage.folder / "fiu")
    gateway.start()
    await gateway.stores_more()
    before = gateway.rows(_ROWS)
    with errors.failing(calls, code):
        if calls != READS:  # what is to be read may be in memory
            await until(lambda: "Readings cannot be stored" in gateway.said)
        await a_failure_is_told(farm, listener)
        told = len(listener.events)
    if calls != READS:
        await until(lambda: "Readings are stored again" in gateway.said)
    await gateway.stores_more()
    rows = await all_is_archived(stage, gateway)
    assert rows[: len(before)] == before
    assert gateway.rows("SELECT count(*) FROM gaps") == [(0,)]
    assert gateway.rows("SELECT count(*) FROM alarm_log WHERE kind <> 'no_valid_data'") == [(told,)]
    assert list(gateway.database.parent.glob("*.damaged-*")) == []


async def test_a_disk_that_fails_now_and_then_loses_nothing(stage: Stage) -> None:
    farm, listener, gateway = await on_stage(stage)
    errors = IoErrors(gateway, stage.folder / "fiu")
    gateway.start()
    await gateway.stores_more()
    with errors.failing(WRITES, probability=0.03), errors.failing(FLUSHES, probability=0.1):
        await until(lambda: gateway.said.count("Readings cannot be stored") >= 3)
        await a_failure_is_told(farm, listener)
    await gateway.stores_more()
    await all_is_archived(stage, gateway)
    assert gateway.rows("SELECT count(*) FROM gaps") == [(0,)]


class Removable(Protocol):
    """A disk with the folder `path` on it, that can be pulled out and plugged in again."""

    path: Path

    def tear_out(self) -> None: ...
    def plug(self) -> None: ...


class MovedFolder:
    """A folder that is not at its place: the nearest to a removed disk without the right to mount one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()

    def tear_out(self) -> None:
        self.path.rename(self.path.with_name("elsewhere"))
        self.path.mkdir()

    def plug(self) -> None:
        self.path.rename(self.path.with_name("meanwhile"))
        self.path.with_name("elsewhere").rename(self.path)


REMOVABLE = ["folder", "ext4"] if may_loop(Path(tempfile.gettempdir())) else ["folder"]


@pytest.fixture(params=REMOVABLE)
def removable(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Removable]:
    if request.param == "folder":
        yield MovedFolder(tmp_path / "disk")
    else:
        with LoopDisk(tmp_path / "disk.img", tmp_path / "disk", 96) as disk:
            yield disk


async def test_a_disk_that_is_pulled_out_costs_no_alarm_and_is_used_again_when_it_is_back(
    stage: Stage, removable: Removable
) -> None:
    farm, listener, gateway = await on_stage(stage, removable.path)
    gateway.start()
    await gateway.stores_more()
    before = gateway.rows(_ROWS)
    removable.tear_out()
    await a_failure_is_told(farm, listener)
    removable.plug()
    assert gateway.rows(_ROWS)[: len(before)] == before
    await gateway.stores_more()
    rows = await all_is_archived(stage, gateway)
    assert rows[: len(before)] == before
    assert await gateway.stop() == 0


@pytest.mark.skipif("ext4" not in REMOVABLE, reason="this user may not mount a disk that could be filled")
async def test_on_a_full_disk_the_ring_turns_in_what_it_has(stage: Stage, tmp_path: Path) -> None:
    with LoopDisk(tmp_path / "disk.img", tmp_path / "disk", 48) as disk:
        farm, listener, gateway = await on_stage(stage, disk.path)
        held = await fill_file(gateway.database)
        disk.fill()
        gateway.start()
        await until(lambda: gateway.rows("SELECT min(seq) > 1, max(seq) >= ? FROM readings", held + 200) == [(1, 1)])
        await a_failure_is_told(farm, listener)
        assert "Readings cannot be stored" not in gateway.said
        disk.free()
        numbers = set(range(1, gateway.stored() + 1))
        await until(lambda: numbers <= delivered(stage) | counted_as_lost(gateway), what="all is delivered or counted")


def delivered(stage: Stage) -> set[int]:
    return {record["metadata"]["sequence"] for record in stage.archived()}


def counted_as_lost(gateway: Gateway) -> set[int]:
    gaps = gateway.rows("SELECT first_seq, last_seq FROM gaps")
    return {seq for first, last in gaps for seq in range(first, last + 1)}


async def fill_file(path: Path) -> int:
    """A ring buffer without a free page, though its setting would let it grow; returns how many readings it holds."""
    store, count = Store(StoreSettings(path, size_mb=8), ["archive"], FakeClock()), 0
    while not count or free_pages(path):
        store.put(several(count + 1, 2000), [])
        await store.commit()
        count += 2000
    await store.close()
    return count


def free_pages(path: Path) -> int:
    with closing(sqlite3.connect(path)) as database:
        pages: int = database.execute("PRAGMA freelist_count").fetchone()[0]
    return pages
