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
    assert read_status(path) is None
    StatusFile(path, lambda: {"gateway": "g"}, FakeClock()).write("running")
    status = read_status(path)
    assert status is not None
    assert (status["gateway"], status["state"], status["pid"]) == ("g", "running", os.getpid())
    assert [file.name for file in path.parent.iterdir()] == ["status.json"]


def test_a_gateway_that_is_gone_is_dead(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    path = tmp_path / "status.json"
    path.write_text(json.dumps({"state": "running", "pid": gone.pid}))
    status = read_status(path)
    assert status is not None
    assert status["state"] == "dead"


def test_half_a_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    path.write_text('{"state": "runn')
    assert read_status(path) == {"state": "unreadable"}


def test_a_place_that_takes_nothing_is_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "run").write_text("a file in the place of the folder")
    file = StatusFile(tmp_path / "run" / "status.json", dict, FakeClock())
    file.write("running")
    file.write("running")
    assert len(caplog.records) == 1
