"""The demonstration starts its parts in order, shows why one ended, and leaves no process behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

# stands in for the gateway's command line: each command writes its process id, and `run` may end early
_AGENT = """
import os, pathlib, sys, time
command = sys.argv[1]
if command == "status" and "--follow" not in sys.argv:
    sys.exit(0 if pathlib.Path("run.pid").exists() else 3)
print(command, "starts", flush=True)
written = pathlib.Path(f"{command}.written")
written.write_text(str(os.getpid()))
written.rename(f"{command}.pid")  # whole as soon as it is there
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


@contextmanager
def demonstration(folder: Path, **environment: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "simulators.demo"],
        cwd=folder,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as demo:
        try:
            yield demo
        finally:
            if demo.poll() is None:
                demo.terminate()


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
    with demonstration(folder) as demo:
        until = time.monotonic() + 30
        while alive(folder) != ["run", "simulate", "status"] and time.monotonic() < until:
            time.sleep(0.02)
        assert alive(folder) == ["run", "simulate", "status"]
        demo.send_signal(signal.SIGINT)
        told, _ = demo.communicate(timeout=20)
    assert demo.returncode == 0
    assert alive(folder) == []
    assert "copied anew" in told
    assert "var/farm" in told
    assert (folder / "var" / "farm" / "farm.toml").exists()


def test_a_part_that_ends_is_explained(folder: Path) -> None:
    with demonstration(folder, BREAKS="1") as demo:
        _, complaint = demo.communicate(timeout=30)
    assert demo.returncode == 1
    assert "run ended with status 1" in complaint
    assert "the disk is on fire" in complaint
    assert alive(folder) == []
