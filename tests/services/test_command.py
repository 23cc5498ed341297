"""`make services` tells where everything is, and leaves nothing behind."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.services import mosquitto
from tests.services.service import NotInstalled, listens


@contextmanager
def services(*names: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.services", *names]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        for pipe in (process.stdout, process.stderr):
            assert pipe is not None
            pipe.close()


def told(process: subprocess.Popen[str]) -> str:
    """What it says until everything is up."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if "Ctrl-C" in line:
            break
    return "".join(lines)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_its_services_are_there_until_it_is_interrupted(number: signal.Signals) -> None:
    try:
        mosquitto.program()
    except NotInstalled as missing:
        pytest.skip(str(missing))
    with services("mosquitto") as process:
        address = re.search(r"Mosquitto +mqtt://127\.0\.0\.1:(\d+)", told(process))
        assert address is not None
        port = int(address[1])
        assert listens(port)
        process.send_signal(number)
        assert process.wait(30) == 0
        assert not listens(port)


def test_an_unknown_service_is_answered_with_the_known_ones() -> None:
    with services("kafak") as process:
        assert process.wait(30) == 2
        assert process.stderr is not None
        assert "there is no service 'kafak'; known are kafka, registry, " in process.stderr.read()
