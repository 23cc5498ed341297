"""A service that does not serve says why, and leaves no process."""

import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.services.service import HOST, Service, ServiceFailed, free_port, listens

SERVES = """
import pathlib, socketserver, sys, time
starts = pathlib.Path("starts")
starts.write_text(starts.read_text() + "x" if starts.exists() else "x")
class Server(socketserver.TCPServer):
    allow_reuse_address = True
Server(("127.0.0.1", int(sys.argv[1])), socketserver.BaseRequestHandler).serve_forever()
"""


class Small(Service):
    name = "The small service"
    ready_within_s = 20.0
    stops_within_s = 0.5

    def __init__(self, folder: Path, script: str = SERVES) -> None:
        super().__init__(folder)
        self.port = free_port()
        self._script = script

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    def command(self) -> Sequence[str]:
        return [sys.executable, "-c", self._script, str(self.port)]

    def answers(self) -> bool:
        return listens(self.port)


def test_it_starts_again_in_the_same_folder_at_the_same_port(tmp_path: Path) -> None:
    with Small(tmp_path) as small:
        small.kill()
        assert not small.running and not listens(small.port)
        small.start()
        small.restart()
        assert (tmp_path / "starts").read_text() == "xxx"
        small.check()
    assert not small.running and not listens(small.port)


def test_one_that_ends_shows_the_end_of_its_log(tmp_path: Path) -> None:
    small = Small(tmp_path, "print(*range(100), sep=chr(10)); exit(3)")
    with pytest.raises(
        ServiceFailed, match=r"The small service ended by itself with status 3; the end of .*small.log:"
    ) as told:
        small.start()
    assert str(told.value).splitlines()[1:] == [str(number) for number in range(70, 100)]


def test_one_that_does_not_answer_in_time_is_ended(tmp_path: Path) -> None:
    small = Small(tmp_path, "import time; print('thinking', flush=True); time.sleep(60)")
    small.ready_within_s = 1.0
    with pytest.raises(ServiceFailed, match=r"(?s)did not answer within 1 s; the end of .*thinking"):
        small.start()
    assert not small.running


def test_one_that_died_later_is_noticed(tmp_path: Path) -> None:
    with Small(tmp_path) as small:
        small.kill()
        with pytest.raises(ServiceFailed, match="ended by itself with status -9"):
            small.check()


def test_one_that_does_not_heed_is_killed(tmp_path: Path) -> None:
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)" + SERVES
    with Small(tmp_path, deaf) as small:
        pass
    assert not small.running and not listens(small.port)


def test_one_that_is_paused_answers_later_or_is_stopped_all_the_same(tmp_path: Path) -> None:
    with Small(tmp_path) as small:
        small.pause()
        with socket.create_connection((HOST, small.port), timeout=0.2) as asking:
            with pytest.raises(TimeoutError):
                asking.recv(1)
            small.resume()
            asking.settimeout(20)
            assert asking.recv(1) == b""  # its whole answer is to hang up
        small.stops_within_s = 20.0
        small.pause()
    assert not small.running


def test_it_runs_once_at_a_time(tmp_path: Path) -> None:
    with Small(tmp_path) as small:
        with pytest.raises(ServiceFailed, match="running already"):
            small.start()
        small.check()
