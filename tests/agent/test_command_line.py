"""The commands as a person types them: what they print, and how they exit."""

import csv
import json
import os
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from agent.__main__ import main
from agent.store.writer import Writer
from tests.agent.farm import NOON_US, WARMTH, at, checked
from tests.agent.gateway_file import right, write
from tests.clock import FakeClock

Said = Callable[[], tuple[str, str]]


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    """What was printed since the last time: output, errors."""
    return lambda: tuple(capsys.readouterr())  # type: ignore[return-value]


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A right configuration that has never run."""
    return str(write(tmp_path, right()))


@pytest.fixture
def stored(tmp_path: Path, file: str) -> str:
    """The same, with three readings stored: at noon, a second later, and a minute later."""
    with closing(Writer(tmp_path / "state" / "ring-buffer.sqlite", 50_000_000, ["archive"], FakeClock().now)) as writer:
        cold = checked(1, 15.5, sensor=WARMTH, because="é; °C, “quoted”")
        writer.write([checked(0, 7.25), cold, checked(60, None)], [], [])
    return file


def test_a_right_configuration_is_counted(file: str, said: Said) -> None:
    assert main(["check-config", file]) == 0
    out, _ = said()
    assert f"{file} is right. Gateway farm-1:" in out
    for fact in ("2 tanks", "3 buses", "3 probes with", "sinks: archive (archive), cloud (http)"):
        assert fact in out


@pytest.mark.parametrize(
    "command",
    ["check-config", "run", "read-once", "status", "buffer status", "buffer verify", "buffer export",
     "buffer dead-letters", "buffer replay cloud --all --config"],
)  # fmt: skip
def test_a_wrong_configuration_starts_nothing_and_exits_with_2(command: str, tmp_path: Path, said: Said) -> None:
    document = right()
    document["mqtt"]["hots"] = "broker"
    document["tanks"][0]["species"] = "unicorn"
    assert main([*command.split(), str(write(tmp_path, document))]) == 2
    out, error = said()
    assert out == ""
    assert f"{tmp_path / 'gateway.toml'}: 2 mistakes" in error
    assert "mqtt.hots" in error
    assert "remedy: write host" in error
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    "arguments", [[], ["fly"], ["run", "--fast"], ["export"], ["buffer"], ["buffer", "export", "--format", "xml"]]
)
def test_a_wrong_command_line_exits_with_2(arguments: Sequence[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(list(arguments))
    assert caught.value.code == 2


def test_help_names_every_command_and_every_exit_status(said: Said) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    out, _ = said()
    for word in ("run", "check-config", "read-once", "status", "buffer", "simulate", "0 done", "1 failed", "2 wrong"):
        assert word in out
    assert "3 \nthe gateway is not running" in out or "3 the gateway is not running" in " ".join(out.split())


def test_export_writes_csv(stored: str, said: Said) -> None:
    assert main(["buffer", "export", stored]) == 0
    out, error = said()
    rows = list(csv.DictReader(out.splitlines()))
    assert [row["value"] for row in rows] == ["7.25", "15.5", ""]
    assert rows[1]["because"] == "é; °C, “quoted”"
    assert rows[0]["time_utc"] == "2026-11-23T12:00:00.000000Z"
    assert error == "3 readings\n"


def test_export_writes_json_lines_of_a_time_range_to_a_file(stored: str, tmp_path: Path, said: Said) -> None:
    out = tmp_path / "out.jsonl"
    time_range = ["--from", "2026-11-23T12:00:01Z", "--to", "2026-11-23T13:01:00+01:00"]
    assert main(["buffer", "export", stored, *time_range, "--format", "jsonl", "--output", str(out)]) == 0
    assert [json.loads(line)["value"] for line in out.read_text("utf-8").splitlines()] == [15.5]
    assert said() == ("", "1 readings\n")


def test_an_existing_file_is_never_overwritten(stored: str, tmp_path: Path, said: Said) -> None:
    out = tmp_path / "out.csv"
    out.write_text("precious")
    assert main(["buffer", "export", stored, "--output", str(out)]) == 1
    assert out.read_text() == "precious"
    assert "exists already" in said()[1]


def test_a_time_that_is_none_is_told_with_an_example(stored: str, said: Said) -> None:
    assert main(["buffer", "export", stored, "--from", "yesterday"]) == 1
    assert "--from 'yesterday' is no time; write for example 2026-07-01T06:00:00Z" in said()[1]


def test_before_the_first_run_there_is_nothing_to_export(file: str, said: Said) -> None:
    assert main(["buffer", "export", file]) == 1
    assert "has the gateway ever run" in said()[1]


def test_status_of_a_gateway_that_does_not_run_is_shown_and_exits_with_3(stored: str, said: Said) -> None:
    assert main(["status", stored, "--json"]) == 3
    seen = json.loads(said()[0])
    assert seen["gateway"] is None
    assert [row["value"] for row in seen["readings"]] == [None, 15.5]
    assert seen["sinks"] == [{"sink": "archive", "delivered": 0, "rejected": 0, "backlog": 3, "lost": 0}]
    assert main(["status", stored]) == 3
    assert "is not running" in " ".join(said()[0].split())


def test_times_are_utc_where_nothing_else_is_said(stored: str, said: Said) -> None:
    assert at(0).utc_us == NOON_US
    assert main(["buffer", "export", stored, "--from", "2026-11-23T12:01:00"]) == 0
    assert said()[1] == "1 readings\n"


def test_status_shows_what_the_gateway_says_when_its_database_cannot_be_read(
    tmp_path: Path, file: str, said: Said
) -> None:
    (tmp_path / "state" / "ring-buffer.sqlite").mkdir(parents=True)
    status = {"state": "running", "pid": os.getpid(), "written_us": time.time_ns() // 1000, "buses": [], "sinks": []}
    status |= {"store": {"trouble": None}, "mqtt": {"trouble": "the broker is away"}}
    status |= {
        "sparkplug": [{"node": "spBv1.0/farm/+/gw", "trouble": "the host is away"}],
        "notify": [{"name": "siren", "trouble": "is mute"}],
    }
    (tmp_path / "state" / "status.json").write_text(json.dumps(status))
    assert main(["status", file]) == 0
    shown, _ = said()
    assert "the broker is away" in shown
    assert "Sparkplug B: the host is away" in shown
    assert "notify.siren: is mute" in shown
    assert "stored readings cannot be shown" in shown
    (tmp_path / "state" / "status.json").write_text(json.dumps(status | {"written_us": 0}))
    assert main(["status", file]) == 3
    assert "has said nothing lately" in said()[0]


@pytest.mark.parametrize(("trusted", "told"), [(True, False), (False, True)])
def test_status_tells_why_readings_wait_for_the_clock(
    tmp_path: Path, stored: str, said: Said, trusted: bool, told: bool
) -> None:
    status = {"state": "running", "pid": os.getpid(), "written_us": time.time_ns() // 1000, "clock_trusted": trusted}
    (tmp_path / "state" / "status.json").write_text(json.dumps(status))
    assert main(["status", stored]) == 0
    assert ("no time server has set the clock" in said()[0]) is told


@pytest.mark.parametrize("state", ["waiting", "misconfigured", "failing"])
def test_what_a_sink_says_is_shown_as_it_is(tmp_path: Path, stored: str, said: Said, state: str) -> None:
    sink = {"name": "archive", "state": state, "last_error": "[/records/0/value]: [bold] is no number"}
    status = {
        "state": "running",
        "pid": os.getpid(),
        "written_us": time.time_ns() // 1000,
        "buses": [],
        "sinks": [sink],
    }
    (tmp_path / "state" / "status.json").write_text(json.dumps(status))
    main(["status", stored])
    assert "[/records/0/value]:" in said()[0]
