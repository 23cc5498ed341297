"""The status file: never half a file, also on a full disk, and honest about a gateway that is gone."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent.health import StatusFile, read_status
from tests.clock import FakeClock


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "run" / "status.json"
    clock = FakeClock()
    assert read_status(path, clock.utc_us) is None
    StatusFile(path, lambda: {"gateway": "g", "sink said": "half a character \ud83d"}, clock).write("running")
    status = read_status(path, clock.utc_us)
    assert status is not None
    assert (status["gateway"], status["state"], status["pid"]) == ("g", "running", os.getpid())
    clock.advance(20)
    silent = read_status(path, clock.utc_us)
    assert silent is not None
    assert silent["state"] == "silent"
    assert [file.name for file in path.parent.iterdir()] == ["status.json"]


def test_a_gateway_that_is_gone_is_dead(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    path = tmp_path / "status.json"
    path.write_text(json.dumps({"state": "running", "pid": gone.pid, "written_us": 0}))
    status = read_status(path, 0)
    assert status is not None
    assert status["state"] == "dead"


@pytest.mark.parametrize("text", ['{"state": "runn', "null", "{}", '{"state": "running", "pid": 1}'])
def test_what_is_no_status_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "status.json"
    path.write_text(text)
    assert read_status(path, 0) == {"state": "unreadable"}


def test_a_place_that_takes_nothing_is_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "run").write_text("a file in the place of the folder")
    file = StatusFile(tmp_path / "run" / "status.json", dict, FakeClock())
    file.write("running")
    file.write("running")
    assert len(caplog.records) == 1
