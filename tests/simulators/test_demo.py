"""The demonstration starts its parts in order, shows why one ended, and leaves no process behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

# stands in for the gateway's command line: each command writes its process id, and `run` may end early
_AGENT = """
import os, pathlib, sys, time
command = sys.argv[1]
if command == "status" and "--follow" not in sys.argv:
    sys.exit(0 if pathlib.Path("run.pid").exists() else 3)
print(command, "starts", flush=True)
pathlib.Path(f"{command}.pid").write_text(str(os.getpid()))
if command == "run" and "BREAKS" in os.environ:
    time.sleep(0.5)
    sys.exit("run: the disk is on fire")
try:
    time.sleep(60)
except KeyboardInterrupt:
    pass
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "agent").mkdir()
    (tmp_path / "agent" / "__init__.py").touch()
    (tmp_path / "agent" / "__main__.py").write_text(_AGENT)
    return tmp_path


def start(folder: Path, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "simulators.demo"],
        cwd=folder,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def alive(folder: Path) -> list[str]:
    found = []
    for path in folder.glob("*.pid"):
        try:
            os.kill(int(path.read_text()), 0)
        except ProcessLookupError:
            continue
        found.append(path.stem)
    return sorted(found)


def test_ctrl_c_ends_everything(folder: Path) -> None:
    demo = start(folder)
    until = time.monotonic() + 10
    while alive(folder) != ["run", "simulate", "status"] and time.monotonic() < until:
        time.sleep(0.02)
    assert alive(folder) == ["run", "simulate", "status"]
    demo.send_signal(signal.SIGINT)
    told, _ = demo.communicate(timeout=8)
    assert demo.returncode == 0
    assert alive(folder) == []
    assert "copied anew" in told
    assert "var/farm" in told
    assert (folder / "var" / "farm" / "farm.toml").exists()


def test_a_part_that_ends_is_explained(folder: Path) -> None:
    demo = start(folder, BREAKS="1")
    _, complaint = demo.communicate(timeout=10)
    assert demo.returncode == 1
    assert "run ended with status 1" in complaint
    assert "the disk is on fire" in complaint
    assert alive(folder) == []
