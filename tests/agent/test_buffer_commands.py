"""`aqua-gateway buffer …` as a person types it, over ring buffers that the real writer filled."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from agent.__main__ import main
from agent.domain.reading import Gap
from agent.store.room import PAGE_BYTES
from agent.store.writer import Writer
from cloud_sync.uplink.interfaces import Rejection
from tests.agent.farm import NOON_US, alarm, change, checked, several
from tests.agent.gateway_file import right, write
from tests.clock import FakeClock

SINKS = ["archive", "cloud"]


@dataclass
class Buffer:
    """A configured gateway whose ring buffer is written directly; `said` is what the last command printed."""

    folder: Path
    config: str
    captured: pytest.CaptureFixture[str]
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOON_US, 0.0))
    out: str = ""
    error: str = ""

    def __post_init__(self) -> None:
        self.path = self.folder / "state" / "ring-buffer.sqlite"
        self.writer = Writer(self.path, 8_000_000, SINKS, self.clock.now)

    def run(self, command: str, *options: str) -> int:
        config = ["--config", self.config] if command == "replay" else [self.config]
        status = main(["buffer", command, *options, *config])
        self.out, self.error = self.captured.readouterr()
        return status

    def json(self, command: str, *options: str) -> Any:
        self.run(command, *options, "--json")
        return json.loads(self.out)

    def refuse(self, sink: str, *numbers: int, because: str = "no such sensor") -> None:
        self.writer.settle(sink, "live", 0, max(numbers), [Rejection(number, because) for number in numbers])
        self.writer.flush()

    def harm(self, sql: str, *values: object) -> None:
        """What a dying card does behind everybody's back."""
        self.writer.flush()
        with closing(sqlite3.connect(self.path)) as database:
            database.execute(sql, values)
            database.commit()

    def requests(self) -> list[Any]:
        return [json.loads(path.read_text()) for path in (self.folder / "state" / "requests").glob("*.json")]


@pytest.fixture
def buffer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Buffer]:
    """Fifty readings, one a second from noon on, and an alarm."""
    made = Buffer(tmp_path, str(write(tmp_path, right())), capsys)
    made.writer.write(several(1, 50), [change(1)], [])
    yield made
    made.writer.close()


def row(rows: Sequence[dict[str, Any]], sink: str, stream: str = "readings") -> dict[str, Any]:
    (found,) = (one for one in rows if (one["sink"], one["stream"]) == (sink, stream))
    return found


# ---- status


def test_status_tells_how_full_it_is(buffer: Buffer) -> None:
    buffer.writer.write([checked(n, 7.5) for n in range(51, 121)], [], [])
    seen = buffer.json("status")
    assert seen["files"]["most"] == 64_000_000
    assert seen["files"]["database"] == buffer.path.stat().st_size
    assert seen["files"]["log"] > 0
    readings = seen["readings"]
    assert (readings["held"], readings["since"], readings["until"]) == (
        120, "2026-11-23T12:00:01.000000Z", "2026-11-23T12:02:00.000000Z",
    )  # fmt: skip
    assert readings["per_day"] == pytest.approx(86_400, rel=0.01)
    assert 0 < readings["room_days"] <= readings["holds_days"] < 64_000_000 / 86_400 / 30
    assert (seen["rollups"]["held"], seen["alarm_changes"], seen["gaps"], seen["dead_letters"]) == (0, 1, [], [])
    assert [epoch["first_seq"] for epoch in seen["epochs"]] == [1]
    assert buffer.run("status") == 0
    for words in ("Ring buffer of farm-1", "120, 2026-11-23 12:00 to 2026-11-23 12:02 UTC", "readings a day", "none"):
        assert words in buffer.out


def test_the_rate_is_that_of_the_last_hours(buffer: Buffer) -> None:
    """What came before a long pause, and how long the pause was, says nothing about the days to come."""
    for hour in range(300, 303):
        buffer.writer.write([checked(hour * 3600 + 2.0 * n, 7.0) for n in range(600)], [], [])
    assert buffer.json("status")["readings"]["per_day"] == pytest.approx(1200 / 3600 / 2 * 86_400, rel=0.6)


def test_a_rate_that_cannot_be_told_is_not_invented(buffer: Buffer) -> None:
    seen = buffer.json("status")["readings"]
    assert (seen["per_day"], seen["room_days"], seen["holds_days"]) == (None, None, None)
    buffer.run("status")
    assert "cannot be told yet" in buffer.out


def test_status_tells_what_waits_for_whom_since_when(buffer: Buffer) -> None:
    buffer.writer.settle("archive", "backlog", 0, 20, [])
    buffer.writer.settle("archive", "live", 40, 45, [])
    buffer.writer.settle("cloud", "alerts", 0, 1, [])
    buffer.writer.write([], [change(2), change(3, False)], [Gap(0, "cloud", 0, 0, NOON_US, NOON_US, 5, "lost")])
    seen = buffer.json("status")
    archive, cloud = row(seen["sinks"], "archive"), row(seen["sinks"], "cloud")
    assert (archive["settled_up_to"], archive["waiting"], archive["ahead"]) == (20, 25, [[40, 45]])
    assert archive["oldest"] == "2026-11-23T12:00:21.000000Z"
    assert (cloud["settled_up_to"], cloud["waiting"], cloud["oldest"][:19]) == (0, 50, "2026-11-23T12:00:01")
    assert row(seen["sinks"], "cloud", "alerts")["waiting"] == 2
    assert row(seen["sinks"], "mqtt", "alerts")["waiting"] == 3
    assert (row(seen["sinks"], "cloud", "gaps")["waiting"], row(seen["sinks"], "archive", "gaps")["waiting"]) == (1, 0)
    assert seen["gaps"] == [{"sink": "cloud", "gaps": 1, "readings": 5, "unknown": 0}]
    buffer.run("status")
    assert "archive has besides: 41 to 45" in buffer.out
    assert "cloud lost 5 readings in 1 gaps" in buffer.out


def test_the_oldest_that_waits_lies_behind_what_went_ahead_of_it(buffer: Buffer) -> None:
    buffer.writer.settle("archive", "live", 10, 30, [])
    buffer.harm("DELETE FROM readings WHERE seq <= 10")
    assert row(buffer.json("status")["sinks"], "archive")["oldest"] == "2026-11-23T12:00:31.000000Z"


def test_a_sink_that_is_not_configured_any_more_is_told(tmp_path: Path, buffer: Buffer) -> None:
    document = right()
    del document["sinks"]["cloud"]
    write(tmp_path, document)
    assert not row(buffer.json("status")["sinks"], "cloud")["configured"]
    buffer.run("status")
    assert "cloud is not configured at present" in buffer.out


def test_readings_that_wait_because_a_link_is_metered_are_told(tmp_path: Path, buffer: Buffer) -> None:
    document = right()
    document["sinks"]["cloud"]["metered"] = True
    write(tmp_path, document)
    assert [row(buffer.json("status")["sinks"], sink)["metered"] for sink in SINKS] == [False, True]
    buffer.run("status")
    assert "cloud is on a metered link" in buffer.out
    assert "archive is on" not in buffer.out


def test_a_damaged_file_that_is_salvaged_counts(buffer: Buffer) -> None:
    aside = buffer.path.with_name(buffer.path.name + ".damaged-1")
    aside.write_bytes(b"x" * 5_000_000)
    aside.with_name(aside.name + "-wal").write_bytes(b"x" * 1_000_000)
    assert buffer.json("status")["files"]["salvaged"] == pytest.approx(6_000_000, abs=10_000)
    assert buffer.run("verify") == 0
    assert "A damaged file is being salvaged" in buffer.out


@pytest.mark.parametrize("command", ["status", "verify", "export", "dead-letters"])
def test_before_the_first_run_there_is_nothing_to_tell(
    tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["buffer", command, str(write(tmp_path, right()))]) == 1
    assert "has the gateway ever run" in capsys.readouterr().err


def test_a_file_of_another_schema_is_named(buffer: Buffer) -> None:
    buffer.writer.close()
    buffer.harm("PRAGMA user_version = 1")
    assert buffer.run("status") == 1
    assert "has schema 1 and this version reads 3" in buffer.error


# ---- verify


def test_a_ring_buffer_that_is_well_is_told_so(buffer: Buffer) -> None:
    buffer.refuse("cloud", 3)
    buffer.writer.write([], [], [Gap(0, "cloud", 0, 0, NOON_US, NOON_US, 5, "lost")])
    assert buffer.run("verify") == 0
    assert "Every row is as it was written" in buffer.out
    seen = buffer.json("verify")
    assert seen["well"]
    counts = {"readings": 50, "alarm_log": 1, "gaps": 1, "dead_letters": 1, "sensors": 1, "segments": 1, "epochs": 1}
    assert seen["rows"].items() >= counts.items()
    assert (seen["damaged"], seen["first"], seen["unreadable"], seen["holes"]) == ({}, [], {}, [])


HARMS = {
    "UPDATE readings SET value = 7.25 WHERE seq = 17": ("readings", "17", "checksum"),
    "UPDATE readings SET because = CAST(x'ff' AS TEXT) WHERE seq = 17": ("readings", "17", "checksum"),
    "UPDATE sensors SET unit = 'mg/l'": ("sensors", "1", "checksum"),
    "UPDATE segments SET offset_us = 0": ("segments", "1", "checksum"),
    "UPDATE alarm_log SET message = 'all is well'": ("alarm_log", "1", "checksum"),
    "UPDATE cursors SET seq = 49 WHERE sink = 'cloud' AND stream = 'readings'": (
        "cursors",
        "cloud/readings",
        "checksum",
    ),
    "UPDATE dead_letters SET because = ''": ("dead_letters", "1", "checksum"),
    "DELETE FROM sensors": ("readings", "1", "there is no number 1 in sensors"),
    "DELETE FROM segments": ("readings", "1", "there is no number 1 in segments"),
    "DELETE FROM epochs": ("gaps", "1", "there is no number 1 in epochs"),
}


@pytest.mark.parametrize("harm", HARMS)
def test_a_row_that_cannot_be_believed_is_named(buffer: Buffer, harm: str) -> None:
    buffer.refuse("cloud", 3)
    buffer.writer.write([], [], [Gap(0, "cloud", 0, 0, NOON_US, NOON_US, 5, "lost")])
    buffer.harm(harm)
    assert buffer.run("verify") == 1
    table, key, because = HARMS[harm]
    assert f"! {table} {key}: " in buffer.out
    assert because in buffer.out
    first = buffer.json("verify")["first"]
    assert (first[0]["table"], first[0]["key"]) == (table, key)


def test_only_the_first_of_many_damaged_rows_are_named(buffer: Buffer) -> None:
    buffer.harm("UPDATE readings SET quality = 0.5")
    assert buffer.run("verify") == 1
    assert buffer.out.count("its checksum is wrong") == 10
    assert "and 40 more damaged rows" in buffer.out


def test_a_hole_that_nothing_explains_is_told(buffer: Buffer) -> None:
    buffer.harm("DELETE FROM readings WHERE seq IN (7, 8, 9, 30)")
    assert buffer.run("verify") == 1
    assert "readings 7 to 9 are missing, and no gap record tells archive, cloud" in buffer.out
    assert [(hole["first"], hole["last"]) for hole in buffer.json("verify")["holes"]] == [(7, 9), (30, 30)]


def test_a_hole_needs_a_gap_for_every_sink_that_lacks_it(buffer: Buffer) -> None:
    buffer.harm("DELETE FROM readings WHERE seq IN (7, 8, 9)")
    buffer.writer.write([], [], [Gap(0, "archive", 5, 9, NOON_US, NOON_US, 3, "gone")])
    (hole,) = buffer.json("verify")["holes"]
    assert (hole["first"], hole["last"], hole["sinks"]) == (7, 9, ["cloud"])
    buffer.writer.write([], [], [Gap(0, "cloud", 8, 8, NOON_US, NOON_US, 1, "gone")])
    assert [(hole["first"], hole["last"]) for hole in buffer.json("verify")["holes"]] == [(7, 7), (9, 9)]
    buffer.writer.settle("cloud", "backlog", 0, 20, [])
    buffer.writer.flush()
    assert buffer.run("verify") == 0


def test_what_the_gateway_takes_out_and_evicts_is_no_hole(buffer: Buffer) -> None:
    buffer.harm("UPDATE readings SET value = 1e9 WHERE seq = 17")
    buffer.writer.settle("cloud", "live", 0, 25, [])
    buffer.writer.take("archive", "backlog", 100, 0, False)
    buffer.writer.take("archive", "live", 100, 0, False)
    buffer.harm("DELETE FROM readings WHERE seq <= 5")
    assert buffer.run("verify") == 0
    seen = buffer.json("verify")
    assert seen["rows"]["readings"] == 44
    assert seen["dead_letters"] == [{"sink": "", "letters": 1, "offered_again": 0}]


def test_what_a_damaged_file_lost_is_no_hole_once_it_is_salvaged(buffer: Buffer) -> None:
    buffer.writer.write(several(51, 3_000), [], [])
    buffer.writer.close()
    buffer.harm("PRAGMA wal_checkpoint(TRUNCATE)")
    pages = bytearray(buffer.path.read_bytes())
    leaves = [at for at in range(0, len(pages), PAGE_BYTES) if pages[at] == 0x0D and pages[at + 4] > 20]
    at = leaves[len(leaves) // 2]
    pages[at : at + 60] = b"\xff" * 60
    buffer.path.write_bytes(pages)
    assert buffer.run("verify") == 1
    (because,) = buffer.json("verify")["unreadable"].values()
    number = int(because.removeprefix("behind number ").removesuffix(": database disk image is malformed"))
    assert 1_000 < number < 2_500
    for lane in ("backlog", "live"):
        buffer.writer.take("archive", lane, 10_000, 0, False)
    while buffer.writer.salvage():
        pass
    buffer.writer.write(several(5_051, 10), [], [])
    seen = buffer.json("verify")
    assert (seen["well"], seen["holes"]) == (True, [])
    assert 2_500 < seen["rows"]["readings"] < 3_060
    assert {gap["sink"] for gap in seen["gaps"]} == set(SINKS)


def test_a_page_that_cannot_be_read_is_told_and_the_other_tables_are_read(buffer: Buffer) -> None:
    buffer.writer.write(several(51, 20_000), [], [])
    buffer.writer.close()
    buffer.harm("PRAGMA wal_checkpoint(TRUNCATE)")
    with closing(sqlite3.connect(buffer.path)) as database:
        (root,) = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'alarm_log'").fetchone()
    with buffer.path.open("r+b") as file:
        file.seek((root - 1) * PAGE_BYTES)
        file.write(b"\xff" * 100)
    assert buffer.run("verify") == 1
    assert "! alarm_log cannot be read at all: database disk image is malformed" in buffer.out
    assert "20,050" in buffer.out
    assert "the rest cannot be told" in buffer.out
    assert list(buffer.json("verify")["unreadable"]) == ["alarm_log"]


def test_many_rows_are_verified_in_pages(buffer: Buffer) -> None:
    for first in range(51, 20_000, 5_000):
        buffer.writer.write(several(first, 5_000), [], [])
    buffer.harm("UPDATE readings SET flag = 4 WHERE seq = 15000")
    seen = buffer.json("verify")
    assert (seen["rows"]["readings"], seen["damaged"]) == (20_050, {"readings": 1})
    assert seen["holes"] == []


# ---- export


def exported(buffer: Buffer, what: str, *options: str) -> list[dict[str, Any]]:
    assert buffer.run("export", "--what", what, "--format", "jsonl", *options) == 0
    return [json.loads(line) for line in buffer.out.splitlines()]


def test_everything_can_be_exported(buffer: Buffer) -> None:
    buffer.refuse("cloud", 3)
    gap = Gap(0, "cloud", 7, 9, NOON_US, NOON_US + 1_000_000, None, "lost")
    buffer.writer.write([], [change(2, which=alarm(limit=4.0))], [gap])
    assert [one["seq"] for one in exported(buffer, "readings")] == list(range(1, 51))
    assert [one["limit"] for one in exported(buffer, "alarms")] == [6.0, 4.0]
    (stored,) = exported(buffer, "gaps")
    assert (stored["sink"], stored["from_utc"], stored["to_utc"], stored["count"], stored["because"]) == (
        "cloud", "2026-11-23T12:00:00.000000Z", "2026-11-23T12:00:01.000000Z", None, "lost",
    )  # fmt: skip
    (letter,) = exported(buffer, "dead-letters")
    assert (letter["sink"], letter["seq"], letter["entry"]["value"]) == ("cloud", 3, 3.0)
    assert exported(buffer, "rollups") == []
    assert buffer.error == "0 rollups\n"
    for what in ("readings", "alarms", "gaps", "dead-letters"):
        assert buffer.run("export", "--what", what) == 0
        assert len(buffer.out.splitlines()) > 1


@pytest.mark.parametrize("what", ["readings", "alarms", "gaps", "dead-letters"])
def test_what_is_exported_belongs_to_the_range(buffer: Buffer, what: str) -> None:
    buffer.refuse("cloud", 3)
    buffer.writer.write([], [], [Gap(0, "cloud", 7, 9, NOON_US, NOON_US + 3_000_000, 3, "lost")])
    during = exported(buffer, what, "--from", "2026-11-23T12:00:01Z", "--to", "2026-11-23T12:00:04Z")
    assert len(during) == (3 if what == "readings" else 1)
    assert exported(buffer, what, "--from", "2026-11-23T12:30:00Z") == []
    assert exported(buffer, what, "--to", "2026-11-23T11:30:00Z") == []


def test_rollups_are_exported_by_their_minute(buffer: Buffer) -> None:
    writer = Writer(buffer.path, 8_000_000, SINKS, buffer.clock.now, metered=["cloud"])
    with closing(writer):
        writer.write(several(51, 120), [], [])
    rolled = exported(buffer, "rollups", "--from", "2026-11-23T12:01:00Z")
    assert [(one["minute_utc"], one["readings"], one["mean"]) for one in rolled] == [("2026-11-23T12:01Z", 60, 89.5)]


def test_a_damaged_row_is_no_measurement(buffer: Buffer) -> None:
    buffer.harm("UPDATE readings SET value = 7.25 WHERE seq = 17")
    assert buffer.run("export") == 1
    assert len(buffer.out.splitlines()) == 50
    assert "7.25" not in buffer.out
    assert "1 damaged rows are left out, the first is number 17" in buffer.error


# ---- dead letters


def test_dead_letters_tell_what_was_refused_and_why(buffer: Buffer) -> None:
    buffer.refuse("cloud", 3, 4)
    buffer.writer.settle("archive", "alerts", 0, 1, [Rejection(1, "[too] late")])
    buffer.writer.flush()
    assert buffer.run("dead-letters") == 0
    for words in ("Dead letters: 3", "tank-1/do-1/oxygen 3 mg/L", "12:00:03 UTC", "no such sensor", "[too] late"):
        assert words in buffer.out
    first, _, third = buffer.json("dead-letters")
    told = {"number": 1, "sink": "cloud", "stream": "readings", "seq": 3, "because": "no such sensor"}
    assert first.items() >= (told | {"offered_again": False}).items()
    assert (first["time_utc"], first["entry"]["value"]) == ("2026-11-23T12:00:03.000000Z", 3.0)
    assert third["what"] == "tank-1: DissolvedOxygen 5.80 mg/L is below 6"
    assert [letter["sink"] for letter in buffer.json("dead-letters", "--sink", "archive")] == ["archive"]


def test_no_dead_letters_are_good_news(buffer: Buffer) -> None:
    assert buffer.run("dead-letters", "--sink", "cloud") == 0
    assert buffer.out == "There are no dead letters of sink cloud.\n"


def test_only_the_newest_letters_are_shown_unless_all_are_wanted(buffer: Buffer) -> None:
    buffer.refuse("cloud", *range(1, 31))
    buffer.run("dead-letters")
    assert buffer.out.count("no such sensor") == 20
    assert "10 older ones are not shown" in buffer.out
    buffer.run("dead-letters", "--all")
    assert buffer.out.count("no such sensor") == 30
    assert len(buffer.json("dead-letters")) == 30


def test_rows_with_a_wrong_checksum_are_letters_without_a_sink(buffer: Buffer) -> None:
    buffer.harm("UPDATE readings SET value = 1e9 WHERE seq = 17")
    buffer.writer.take("archive", "live", 100, 0, False)
    buffer.run("dead-letters")
    assert "Those of no sink (—) were taken out" in buffer.out
    assert "its checksum is wrong" in buffer.out


ODD_ENTRIES = {
    "{}": None,
    "no JSON": None,
    "[1, 2]": None,
    "[3, 99, 99, 3, 7.5, 1, 1.0, null, null, 0]": "?/?/? 7.5 ?",
    '[3, [1], "x", 3, "warm", 1, 1.0, null, null, 0]': "?/?/? 'warm'",
    '{"seq": 3, "sensor": 1, "utc_us": 1795435200000000, "value": null}': "tank-1/do-1/oxygen no value",
}


@pytest.mark.parametrize("entry", ODD_ENTRIES)
def test_a_letter_is_shown_whatever_is_in_it(buffer: Buffer, entry: str) -> None:
    """Damaged ones, and those taken over from the first schema, which wrote them by their columns."""
    buffer.refuse("cloud", 3)
    buffer.harm("UPDATE dead_letters SET entry = ?", entry)
    assert buffer.run("dead-letters") == 0
    (letter,) = buffer.json("dead-letters")
    assert letter["what"] == ODD_ENTRIES[entry]
    assert letter["time_utc"] == ("2026-11-23T12:00:00.000000Z" if "utc_us" in entry else None)
    assert buffer.run("export", "--what", "dead-letters") == 0


# ---- replay


def test_replay_leaves_a_request_for_the_gateway(buffer: Buffer) -> None:
    buffer.refuse("cloud", 3, 4)
    assert buffer.run("replay", "cloud", "2") == 0
    assert buffer.out == "1 dead letters of cloud will be offered again when the gateway runs again.\n"
    assert buffer.requests() == [{"sink": "cloud", "numbers": [2]}]
    assert not any(letter["offered_again"] for letter in buffer.json("dead-letters"))


def test_replay_of_all(buffer: Buffer) -> None:
    buffer.refuse("cloud", 3, 4)
    assert buffer.run("replay", "cloud", "--all") == 0
    assert buffer.out.startswith("2 dead letters of cloud")
    assert buffer.requests() == [{"sink": "cloud", "numbers": None}]


def test_replay_of_nothing_asks_for_nothing(buffer: Buffer) -> None:
    assert buffer.run("replay", "cloud", "--all") == 0
    assert "cloud has refused nothing" in buffer.out
    assert buffer.requests() == []


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["clowd", "--all"], "there is no sink 'clowd' in {config}; there is archive, cloud"),
        (["", "--all"], "there is no sink ''"),
        (["cloud", "1", "7", "9"], "cloud has no dead letter 7, 9; see: aqua-gateway buffer dead-letters --sink cloud"),
        (["archive", "1"], "archive has no dead letter 1"),
    ],
)
def test_what_nobody_refused_is_not_asked_for(buffer: Buffer, arguments: list[str], complaint: str) -> None:
    buffer.refuse("cloud", 3)
    assert buffer.run("replay", *arguments) == 1
    assert complaint.format(config=buffer.config) in buffer.error
    assert buffer.requests() == []


@pytest.mark.parametrize("arguments", [["cloud"], ["cloud", "1", "--all"], ["cloud", "one"], []])
def test_replay_must_be_told_what_to_replay(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["buffer", "replay", *arguments])
    assert caught.value.code == 2
