"""The flight recorder: the last frames of a bus, written beside a fault, within bounds and at nobody's cost."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from agent.domain.farm import BusSettings, Protocol, SerialLine
from agent.flight_recorder import FILES_KEPT, FRAMES_KEPT, FaultFiles, FlightRecorder, fault_files, from_json, to_json
from drivers.bus.tap import Frame
from tests.clock import FakeClock
from tests.system.waiting import until

BUS = BusSettings("rs485", Protocol.MODBUS_RTU, SerialLine("/dev/ttyUSB0"))


def frame(number: int) -> Frame:
    return Frame(float(number), number % 2 == 0, number.to_bytes(2, "big"), None if number % 3 else "CRC error")


def recorder(frames: int) -> FlightRecorder:
    made = FlightRecorder(BUS)
    for number in range(frames):
        made(frame(number))
    return made


@asynccontextmanager
async def running(files: FaultFiles) -> AsyncIterator[None]:
    task = asyncio.create_task(files.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def content(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_only_the_last_frames_are_kept() -> None:
    assert recorder(FRAMES_KEPT + 7).frames() == [frame(number) for number in range(7, FRAMES_KEPT + 7)]


async def test_a_fault_leaves_the_frames_that_went_before_it(tmp_path: Path) -> None:
    files = FaultFiles(tmp_path / "faults", FakeClock())
    async with running(files):
        files.begins(recorder(5), "tank-1/do-1: no reply in 0.5 s")
        await until(lambda: fault_files(tmp_path / "faults"))
    (file,) = fault_files(tmp_path / "faults")
    assert file.name == "000001-rs485.jsonl"
    head, *frames = content(file)
    assert (head["fault"], head["bus"], head["protocol"]) == ("tank-1/do-1: no reply in 0.5 s", "rs485", "modbus-rtu")
    assert [from_json(told) for told in frames] == [frame(number) for number in range(5)]


async def test_a_fault_that_comes_and_goes_does_not_wear_the_card(tmp_path: Path) -> None:
    clock = FakeClock()
    files = FaultFiles(tmp_path, clock)
    async with running(files):
        for _ in range(3600):  # an hour, once a second
            files.begins(recorder(1), "again")
            await clock.sleep(1)
        await until(lambda: len(fault_files(tmp_path)) == 10, what="five at once and then one every ten minutes")
    assert sum(content(file)[0]["left_out_before"] for file in fault_files(tmp_path)) in range(2900, 3590)


async def test_the_oldest_files_make_room(tmp_path: Path) -> None:
    for number in (3, *range(990, 990 + FILES_KEPT)):
        (tmp_path / f"{number:06}-rs485.jsonl").write_text("{}")
    (tmp_path / "notes-of-mine.jsonl").touch()
    files = FaultFiles(tmp_path, FakeClock())
    async with running(files):
        files.begins(recorder(1), "once more")
        await until((tmp_path / f"{990 + FILES_KEPT:06}-rs485.jsonl").exists)
    numbers = [int(file.name[:6]) for file in fault_files(tmp_path)]
    assert numbers == list(range(991, 991 + FILES_KEPT))
    assert (tmp_path / "notes-of-mine.jsonl").exists()


async def test_a_folder_that_cannot_be_written_is_logged_once_and_ends_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "faults").touch()
    files = FaultFiles(tmp_path / "faults", FakeClock())
    async with running(files):
        for _ in range(3):
            files.begins(recorder(1), "no room")
        await until(lambda: caplog.records)
        (tmp_path / "faults").unlink()
        files.begins(recorder(1), "room again")
        await until(lambda: fault_files(tmp_path / "faults"))
    assert len(caplog.records) == 1


async def test_who_listens_hears_every_frame_from_then_on() -> None:
    made = recorder(3)
    async with aclosing(made.follow()) as heard:
        first = asyncio.ensure_future(anext(heard))
        await asyncio.sleep(0)
        made(frame(8))
        made(frame(9))
        assert [await first, await anext(heard)] == [frame(8), frame(9)]
    made(frame(10))  # nobody listens any more


def test_a_frame_comes_back_from_its_json() -> None:
    for number in range(4):
        assert from_json(json.loads(json.dumps(to_json(frame(number))))) == frame(number)
