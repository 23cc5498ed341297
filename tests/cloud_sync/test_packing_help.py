"""A backlog is packed by another process; whatever becomes of that, every batch is packed."""

import asyncio
import json
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import count
from math import inf
from pathlib import Path
from typing import Any

import pytest

from cloud_sync.contract.record import Record
from cloud_sync.uplink import packing_process
from cloud_sync.uplink.archive import ArchiveSink
from cloud_sync.uplink.archive_packing import ArchivePacking
from cloud_sync.uplink.forwarder import Forwarder
from cloud_sync.uplink.http_packing import HttpPacking
from cloud_sync.uplink.interfaces import Lane
from cloud_sync.uplink.packer import Packer
from cloud_sync.uplink.packing_help import PackingHelp
from cloud_sync.uplink.packing_process import Pack
from tests.cloud_sync.scripted import Drained, JumpingClock, MemoryBacklog
from tests.cloud_sync.test_packing_process import is_alive, until
from tests.cloud_sync.things import GATEWAY, reading, records


def pid_and_sum(batch: Sequence[Record]) -> tuple[int, int]:
    """Who packed, and what."""
    return os.getpid(), sum(record.seq for record in batch)


def every(seconds: float) -> Callable[[], float]:
    """A clock that goes on by so much with each look."""
    return count(0.0, seconds).__next__


def help_for(pack: Pack, **options: Any) -> PackingHelp:
    return PackingHelp(pack, "test", **{"processors": 2, "now_s": every(0.25), **options})


@asynccontextmanager
async def packer(**options: Any) -> AsyncIterator[Packer[tuple[int, int]]]:
    packer = Packer(pid_and_sum, "test", help_for(pid_and_sum, **options))
    try:
        yield packer
    finally:
        await packer.close()


async def who_packs(packer: Packer[tuple[int, int]], first: int = 1) -> int:
    """One batch that was known ahead of its turn."""
    batch = records(first, first + 2)
    packer.begin(batch)
    pid, made = await packer.packed(batch)
    assert made == 3 * first + 3
    return pid


async def helped(packer: Packer[tuple[int, int]]) -> int:
    """Drain a backlog until another process packs it; its pid."""
    for turn in range(10_000):
        if (pid := await who_packs(packer, 3 * turn + 1)) != os.getpid():
            return pid
        await asyncio.sleep(0.001)
    raise AssertionError("nobody helps")


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """By us: asyncio may say that somebody else saw the process end before it did."""
    return [entry.message for entry in caplog.records if entry.name.startswith("cloud_sync.")]


async def test_a_backlog_is_packed_by_another_process() -> None:
    async with packer() as it:
        assert [await who_packs(it) for _ in range(5)] == [os.getpid()] * 5
        helper = await helped(it)
        assert [await who_packs(it) for _ in range(50)] == [helper] * 50
    assert not is_alive(helper)


async def test_a_slow_line_needs_no_other_process() -> None:
    async with packer(now_s=every(1.1)) as it:
        assert {await who_packs(it) for _ in range(40)} == {os.getpid()}
        assert it.help is not None
        assert it.help.process is None


async def test_a_few_batches_now_and_then_need_no_other_process() -> None:
    bursts = (30.0 * burst + 0.1 * batch for burst in range(8) for batch in range(5))
    async with packer(now_s=bursts.__next__) as it:
        assert {await who_packs(it) for _ in range(40)} == {os.getpid()}
        assert it.help is not None
        assert it.help.process is None


async def test_one_processor_has_no_use_for_another_process() -> None:
    async with packer(processors=1) as it:
        assert {await who_packs(it) for _ in range(20)} == {os.getpid()}
        assert it.help is not None
        assert it.help.process is None


async def test_killed_it_is_missed_by_nobody(caplog: pytest.LogCaptureFixture) -> None:
    async with packer() as it:
        helper = await helped(it)
        os.kill(helper, signal.SIGKILL)
        await until(lambda: not is_alive(helper))
        assert [await who_packs(it, turn) for turn in range(1, 30)] == [os.getpid()] * 29
    assert told(caplog) == ["sink of kind test: the process that packs a backlog has ended; it goes on without it"]


async def test_killed_with_a_batch_in_hand_it_is_missed_by_nobody() -> None:
    async with packer() as it:
        helper, batch = await helped(it), records(7, 9)
        os.kill(helper, signal.SIGSTOP)
        it.begin(batch)
        os.kill(helper, signal.SIGKILL)
        assert await it.packed(batch) == (os.getpid(), 24)


async def test_hanging_it_is_ended_and_missed_by_nobody(caplog: pytest.LogCaptureFixture) -> None:
    async with packer() as it:
        helper = await helped(it)
        assert it.help is not None
        it.help._patience_s = 0.2
        os.kill(helper, signal.SIGSTOP)
        assert [await who_packs(it, turn) for turn in range(1, 30)] == [os.getpid()] * 29
        assert not is_alive(helper)
    assert told(caplog) == [
        "sink of kind test: the process that packs a backlog has not answered for 0.2 s; it goes on without it"
    ]


async def test_where_it_cannot_be_started_that_is_told_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(packing_process, "_COMMAND", ("/no/such/python",))
    async with packer() as it:
        assert [await who_packs(it, turn) for turn in range(1, 30)] == [os.getpid()] * 29
    (message,) = told(caplog)
    assert "cannot be started (FileNotFoundError" in message


async def test_one_that_hangs_before_it_begins_holds_up_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(packing_process, "_COMMAND", ("sleep", "60"))
    async with packer(patience_s=0.2) as it:
        assert {await who_packs(it) for _ in range(20)} == {os.getpid()}
        await until(lambda: told(caplog))
    async with packer() as it:
        assert {await who_packs(it) for _ in range(20)} == {os.getpid()}
        began = time.monotonic()
    assert time.monotonic() - began < 5
    (message,) = told(caplog)
    assert "cannot be started (TimeoutError())" in message


async def test_what_it_cannot_pack_is_told_in_its_turn() -> None:
    packing = HttpPacking(GATEWAY)
    it = Packer(packing, "test", help_for(packing))
    good, bad = records(1, 2), [record._replace(body={"value": inf}) for record in records(3, 4)]
    try:
        await until_helped(it, good)
        it.begin(bad)
        with pytest.raises(ValueError, match="JSON compliant"):
            await it.packed(bad)
        it.begin(good)
        assert await it.packed(good) == packing(good)
        assert it.help is not None
        assert it.help.process is not None
    finally:
        await it.close()


async def until_helped(packer: Packer[Any], batch: Sequence[Record]) -> None:
    assert packer.help is not None
    while packer.help.process is None:
        packer.begin(batch)
        await packer.packed(batch)
        await asyncio.sleep(0.001)


async def test_it_ends_when_the_backlog_has() -> None:
    async with packer(idle_s=0.3) as it:
        helper = await helped(it)
        await until(lambda: not is_alive(helper))
        assert await helped(it) != helper


def archive_of(folder: Path) -> ArchiveSink:
    sink = ArchiveSink(ArchiveSink.Settings(folder, batch=20, linger_s=0, leave_free_mb=0), GATEWAY)
    sink._packer = Packer(ArchivePacking(6), "archive", help_for(ArchivePacking(6)))
    return sink


async def test_a_drain_goes_on_when_it_is_killed(tmp_path: Path) -> None:
    clock, sink = JumpingClock(), archive_of(tmp_path)
    backlog = MemoryBacklog(clock, readings=[reading(seq) for seq in range(1, 10_001)], edge=10_000)
    killed: list[int] = []

    def kill_once(*_: object) -> None:
        assert sink._packer.help is not None
        process = sink._packer.help.process
        if process is not None and not killed:
            os.kill(process.pid, signal.SIGKILL)
            killed.append(len(backlog.entries[Lane.BACKLOG]))

    backlog.on_settle = kill_once
    with pytest.raises(Drained):
        await Forwarder("sink", sink, backlog, GATEWAY, clock).run()
    assert killed
    assert killed[0] > 100
    text = subprocess.run(["zcat", *tmp_path.rglob("*.gz")], capture_output=True, check=True).stdout
    assert [json.loads(line)["metadata"]["sequence"] for line in text.splitlines()] == list(range(1, 10_001))
    assert backlog.dead == []


@pytest.mark.parametrize("stuck", [False, True])
async def test_a_stop_in_the_midst_of_a_drain_ends_it_too(tmp_path: Path, stuck: bool) -> None:
    clock, sink = JumpingClock(), archive_of(tmp_path)
    backlog = MemoryBacklog(clock, readings=[reading(seq) for seq in range(1, 20_001)], edge=20_000)
    running = asyncio.create_task(Forwarder("sink", sink, backlog, GATEWAY, clock).run())
    helping = sink._packer.help
    assert helping is not None
    await until(lambda: helping.process)
    assert helping.process is not None
    pid = helping.process.pid
    if stuck:
        os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(0)
    began = time.monotonic()
    running.cancel()
    await asyncio.wait({running})
    assert running.cancelled()
    assert time.monotonic() - began < 5
    assert not is_alive(pid)
