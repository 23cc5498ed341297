"""The archive on a real folder."""

import asyncio
import errno
import gzip
import json
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from os import fsync as really_sync
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.domain.errors import SinkUnavailable
from cloud_sync.contract.record import Record
from cloud_sync.contract.records import record
from cloud_sync.uplink.archive import ArchiveSink
from cloud_sync.uplink.forwarder import Forwarder
from cloud_sync.uplink.interfaces import Batching, Delivery
from tests.cloud_sync.scripted import Drained, JumpingClock, MemoryBacklog
from tests.cloud_sync.sink_contract import Mood, SinkContract, World, sequences
from tests.cloud_sync.test_day_file import full_disk
from tests.cloud_sync.things import GATEWAY, MIDNIGHT_US, NOON_US, change, gap, reading, records


class ArchiveWorld(World):
    """Away: the disk takes no byte more. Refused: a file is where the folder should be."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.away = False
        self.mood: Mood | None = None
        self.goes_on = threading.Event()
        self._aside = folder.with_name("aside")

    def sink(self, **settings: Any) -> ArchiveSink:
        return _OnThisDisk(self, ArchiveSink.Settings(self.folder, leave_free_mb=0, **settings))

    def received(self) -> list[Mapping[str, Any]]:
        files = sorted(self.folder.glob("*/*.jsonl.gz"))
        return [json.loads(line) for file in files for line in gzip.decompress(file.read_bytes()).splitlines()]

    def go_away(self) -> None:
        self.away = True

    def come_back(self) -> None:
        self.away = False

    def refuse_us(self) -> None:
        if self.folder.exists():
            self.folder.rename(self._aside)
        self.folder.write_text("")

    def admit_us(self) -> None:
        if self.folder.is_file():
            self.folder.unlink()
        if self._aside.exists():
            self._aside.rename(self.folder)

    def misbehave(self, mood: Mood) -> None:
        self.mood = mood
        if mood is Mood.IS_NOWHERE:
            self.folder.symlink_to(self.folder.with_name("not mounted"))

    def behave(self) -> None:
        if self.mood is Mood.IS_NOWHERE:
            self.folder.unlink()
        self.mood = None
        self.goes_on.set()

    def fsync(self, descriptor: int) -> None:
        """What the disk does when it is to have everything."""
        match self.mood:
            case Mood.HANGS:
                self.goes_on.wait(60)
            case Mood.IS_SLOW:
                time.sleep(0.1)
            case Mood.RESETS:
                raise OSError(errno.EIO, "Input/output error")
        really_sync(descriptor)


class _OnThisDisk(ArchiveSink):
    """Limits hold for the whole process: only while the sink writes, or the test's own report would not fit."""

    def __init__(self, world: ArchiveWorld, settings: ArchiveSink.Settings) -> None:
        super().__init__(settings, GATEWAY)
        self._world = world

    @property
    def batching(self) -> Batching:
        return replace(super().batching, deadline_s=0.3, linger_s=0.0)

    async def send(self, batch: Sequence[Record]) -> Delivery:
        room = 0 if self._world.away else 300 if self._world.mood is Mood.TAKES_HALF else None
        with nullcontext() if room is None else full_disk(room), mock.patch("os.fsync", self._world.fsync):
            delivery = await super().send(batch)
        if self._world.mood is Mood.LOSES_THE_ANSWER:
            raise SinkUnavailable("nobody heard that it was written")
        return delivery


@pytest.fixture
def world(tmp_path: Path) -> ArchiveWorld:
    return ArchiveWorld(tmp_path / "archive")


class TestArchiveKeepsTheContract(SinkContract):
    pass


async def test_each_topic_and_utc_day_has_its_file(world: ArchiveWorld) -> None:
    sink = world.sink()
    await sink.open()
    await sink.send([record(reading(seq, MIDNIGHT_US + seq - 3), GATEWAY) for seq in range(1, 6)])
    await sink.send([record(change(1), GATEWAY)])
    await sink.send([record(gap(1), GATEWAY)])
    assert sorted(str(path.relative_to(world.folder)) for path in world.folder.glob("*/*")) == [
        "sensor-alerts/2026-11-23.jsonl.gz",
        "sensor-gaps/2026-11-23.jsonl.gz",
        "sensor-readings/2026-11-23.jsonl.gz",
        "sensor-readings/2026-11-24.jsonl.gz",
    ]


async def test_room_is_left_for_the_ring_buffer(tmp_path: Path) -> None:
    sink = ArchiveSink(ArchiveSink.Settings(tmp_path, leave_free_mb=10**9), GATEWAY)
    await sink.open()
    with pytest.raises(SinkUnavailable, match=f"{tmp_path}: less than leave_free_mb"):
        await sink.send(records(1, 2))


async def test_a_full_disk_is_told_with_the_path(world: ArchiveWorld) -> None:
    sink = world.sink()
    await sink.open()
    world.go_away()
    with pytest.raises(SinkUnavailable, match=r"sensor-readings/2026-11-23\.jsonl\.gz: File too large"):
        await sink.send(records(1, 2))


async def test_the_newest_days_are_kept(world: ArchiveWorld) -> None:
    sink = world.sink(keep_days=2)
    await sink.open()
    for day in (0, 1, 2, 3):
        await sink.send([record(reading(day + 1, MIDNIGHT_US + day * 86_400_000_000), GATEWAY)])
    names = sorted(path.name for path in world.folder.glob("*/*"))
    assert names == ["2026-11-26.jsonl.gz", "2026-11-27.jsonl.gz"]
    await sink.send([record(reading(9, 0), GATEWAY)])  # a clock that woke in 1970 takes nothing newer with it
    names = sorted(path.name for path in world.folder.glob("*/*"))
    assert names == ["1970-01-01.jsonl.gz", "2026-11-26.jsonl.gz", "2026-11-27.jsonl.gz"]


async def test_a_write_that_was_given_up_ends_before_the_next_begins(world: ArchiveWorld) -> None:
    sink = world.sink()
    await sink.open()
    disk_answers = threading.Event()

    def wait_for_the_disk() -> None:
        disk_answers.wait(5)

    hanging = asyncio.create_task(sink._on_disk(wait_for_the_disk))
    await asyncio.sleep(0)
    hanging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hanging
    with pytest.raises(SinkUnavailable, match=r"archive: the disk has not finished what was asked of it"):
        await sink.send(records(1, 2))
    disk_answers.set()
    while sink._thread.busy:
        await asyncio.sleep(0.001)
    await sink.send(records(1, 2))
    assert len(world.received()) == 2


class _PowerCut(BaseException):
    """Ends everything at once."""


class _UntilThePowerFails(_OnThisDisk):
    def __init__(self, world: ArchiveWorld, batch: int, sends: int) -> None:
        super().__init__(world, ArchiveSink.Settings(world.folder, leave_free_mb=0, batch=batch))
        self._sends_left = sends

    async def send(self, batch: Sequence[Record]) -> Delivery:
        if not self._sends_left:
            raise _PowerCut
        self._sends_left -= 1
        return await super().send(batch)


@settings(max_examples=40)
@given(
    lives=st.lists(st.tuples(st.integers(1, 40), st.integers(0, 6), st.integers(0, 120)), max_size=4),
    across_midnight=st.booleans(),
    edge=st.integers(0, 120),
)
def test_after_a_power_cut_the_same_records_in_other_batches_are_there_once(
    tmp_path_factory: pytest.TempPathFactory, lives: list[tuple[int, int, int]], across_midnight: bool, edge: int
) -> None:
    """A life of the gateway: so many records a batch, so many sends, then the power fails, and what was settled from a
    sequence number on is forgotten.
    """
    world, clock = ArchiveWorld(tmp_path_factory.mktemp("archive") / "archive"), JumpingClock()
    start_us = MIDNIGHT_US - 60_000 if across_midnight else NOON_US
    everything = [reading(seq, start_us + seq * 1000) for seq in range(1, 121)]

    async def live(batch: int, sends: int, backlog: MemoryBacklog) -> None:
        sink = _UntilThePowerFails(world, batch, sends)
        with pytest.raises((Drained, _PowerCut)):
            await Forwarder("archive", sink, backlog, GATEWAY, clock).run()

    backlog = MemoryBacklog(clock, everything, edge=edge)
    for batch, sends, forgotten_from in lives:
        asyncio.run(live(batch, sends, backlog))
        unsettled = {entry.seq for entries in backlog.entries.values() for entry in entries}
        left = [one for one in everything if one.seq in unsettled or one.seq >= forgotten_from]
        backlog = MemoryBacklog(clock, left, edge=edge)
    asyncio.run(live(17, 1000, backlog))
    assert sorted(sequences(world)) == list(range(1, 121))
