"""A calibration that was logged is never forgotten, and what makes no sense is refused before it is written."""

import json
import resource
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from agent.answers.probes import probe_answers
from agent.domain.clock import Instant
from agent.domain.errors import AquaError
from agent.probe_health.log import Calibrated, ProbeLog, newest
from agent.probe_health.memory import ProbeMemory
from tests.agent.farm import PROBE
from tests.clock import FakeClock

CLOCK = FakeClock()  # 2025-06-15T15:06:40Z
ANA = Calibrated("2026-07-01T06:00:00+00:00", "tank-1/do-1", False, "Ana")
BO = Calibrated("2026-06-01T08:00:00+02:00", "tank-1/do-1", True, "Bo", "buffers 4.01 and 7.00, zero was −3 mV")


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1e6)


def test_what_was_written_is_there_for_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "state" / "probe-log.jsonl"
    assert ProbeLog(path).entries() == []
    for entry in (ANA, BO):
        ProbeLog(path).add(entry)
    found = ProbeLog(path).entries()
    assert found == [ANA, BO]
    assert newest(found, "tank-1/do-1") == (at("2026-07-01T06:00:00"), at("2026-06-01T06:00:00"))
    assert newest(found, "tank-1/do-2") == (None, None)


@pytest.mark.parametrize("torn", [b'{"time": "2026-07', b"\xff\xfe", b"[]", b"null", b'{"time": 5, "probe": 6}', b"{}"])
def test_a_line_that_makes_no_sense_costs_only_itself(
    torn: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "probe-log.jsonl"
    ProbeLog(path).add(ANA)
    with path.open("ab") as file:
        file.write(torn)
    ProbeLog(path).add(BO)
    assert ProbeLog(path).entries() == [ANA, BO]
    assert "line 2 is no entry" in caplog.text
    assert torn in path.read_bytes(), "nothing is thrown away"


def test_a_log_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "probe-log.jsonl").mkdir()
    with pytest.raises(AquaError, match=r"probe-log.jsonl cannot be written .*: nothing was noted"):
        ProbeLog(tmp_path / "probe-log.jsonl").add(ANA)
    with pytest.raises(AquaError, match="cannot be read"):
        ProbeLog(tmp_path / "probe-log.jsonl").entries()


def test_of_an_entry_that_finds_no_room_nothing_is_left(tmp_path: Path) -> None:
    log = ProbeLog(tmp_path / "probe-log.jsonl")
    log.add(ANA)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((tmp_path / "probe-log.jsonl").stat().st_size + 20, limits[1]))
    try:
        with pytest.raises(AquaError, match="nothing was noted"):
            log.add(BO)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (tmp_path / "probe-log.jsonl").read_bytes().count(b"{") == 1
    log.add(BO)
    assert log.entries() == [ANA, BO]


class Reports:
    """Notes what is logged."""

    def __init__(self, written: list[Calibrated]) -> None:
        self.newest: Mapping[str, Mapping[str, Any]] = {}
        self._written = written

    async def log_calibration(self, entry: Calibrated) -> None:
        self._written.append(entry)


async def answered(details: Mapping[str, Any], written: list[Calibrated], clock: FakeClock = CLOCK) -> list[Any]:
    answer = probe_answers([PROBE], Reports(written), clock)["probe calibrated"]
    return [told async for told in answer(details)]


async def test_a_calibration_is_of_now_or_of_when_it_is_said_to_be() -> None:
    written: list[Calibrated] = []
    (told,) = await answered({"probe": "do-1", "by": "Ana", "cap": True}, written)
    assert told == {"time": written[0].time, "probe": "tank-1/do-1", "cap": True, "by": "Ana", "note": None}
    assert abs(written[0].utc_us - CLOCK.utc_us) < 1e6
    await answered({"probe": "tank-1/do-1", "by": "Ana", "at": "2025-06-01T06:00:00Z", "note": "in air"}, written)
    assert (written[1].utc_us, written[1].cap, written[1].note) == (at("2025-06-01T06:00:00"), False, "in air")


async def test_without_a_clock_somebody_has_to_say_when_it_was() -> None:
    written: list[Calibrated] = []
    clock = FakeClock(utc_us=0, trusted=False)
    with pytest.raises(AquaError, match="does not know what time it is: say when, with --at"):
        await answered({"probe": "do-1", "by": "Ana"}, written, clock)
    assert written == []
    await answered({"probe": "do-1", "by": "Ana", "at": "2025-06-01T06:00:00Z"}, written, clock)
    assert written[0].utc_us == at("2025-06-01T06:00:00")


@pytest.mark.parametrize(
    ("details", "because"),
    [
        ({"probe": "do-9", "by": "Ana"}, "no probe is named 'do-9': choose one of tank-1/do-1"),
        ({"probe": "do-1"}, "is no text of 1 to 200 letters"),
        ({"probe": "do-1", "by": "Ana\n"}, "is no text of 1 to 200 letters"),
        ({"probe": "do-1", "by": "Ana", "at": "yesterday"}, "cannot be noted: Invalid isoformat"),
        ({"probe": "do-1", "by": "Ana", "at": "2099-01-01"}, "is still to come: the gateway has 2025-06-15"),
        ({"probe": "do-1", "by": "Ana", "cap": "yes"}, "cap is true or false"),
        ({"probe": "do-1", "by": "Ana", "slope": 5}, "a calibration has no slope: use probe, by"),
    ],
)
async def test_what_makes_no_sense_is_refused_and_nothing_written(details: Mapping[str, Any], because: str) -> None:
    written: list[Calibrated] = []
    with pytest.raises(AquaError, match=because):
        await answered(details, written)
    assert written == []


def moment(utc_us: int, trusted: bool = True) -> Instant:
    return Instant(utc_us, 0.0, "", trusted)


def test_a_start_without_a_clock_forgets_nothing_that_was_learnt(tmp_path: Path) -> None:
    path, sensor = tmp_path / "probe-health.json", UUID(int=7)
    memory = ProbeMemory(path)
    memory.of(sensor, moment(100)).follows(200, 12.5)
    assert memory.of(sensor, moment(50, trusted=False)).first == []
    memory.keep()
    assert ProbeMemory(path).of(sensor, moment(300)).first == [12.5]


def test_what_was_learnt_is_there_after_a_restart_and_learnt_anew_if_damaged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, sensor = tmp_path / "probe-health.json", UUID(int=7)
    memory = ProbeMemory(path)
    memory.of(sensor, moment(100)).follows(200, 12.5)
    memory.keep()
    again = ProbeMemory(path).of(sensor, moment(999))
    assert (again.since_us, again.upto_us, again.first) == (100, 200, [12.5])
    strange = json.dumps({str(sensor): {"since_us": 1, "upto_us": 2, "first": ["a"]}})
    assert ProbeMemory(path).of(sensor, moment(150)).since_us == 150, "what is still to come is not believed"
    for damaged in ("{", "[]", '{"x": {}}', json.dumps({str(sensor): {"since_us": 1}}), strange):
        path.write_text(damaged)
        assert ProbeMemory(path).of(sensor, moment(999)).since_us == 999
    assert "probes are learnt anew" in caplog.text
    path.unlink()
    path.mkdir()
    memory.of(sensor, moment(100)).follows(300, 12.5)
    memory.keep()
    assert "cannot be written" in caplog.text
