"""A service as a child process that owns a folder: its data, its log, its ports."""

import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

HOST = "127.0.0.1"
_TAIL_LINES = 30
# Below the range from which the kernel lends ports to clients: a port stays ours while its service is down, and no
# client that keeps trying to reach it can be lent the very same port and so connect to itself.
_PORTS = range(20_000, 32_000)


class NotInstalled(Exception):
    """A program is missing here; the message says how to install it."""


class ServiceFailed(Exception):
    """It ended by itself or did not answer in time; the message has the end of its log."""


class Service:
    """`start` returns once the service answers; `stop` or `kill` and `start` go on with the same data and ports.

    As a context manager it starts, and is stopped at the end. `name` is shown to people and names the log.
    """

    name: str
    ready_within_s = 60.0
    stops_within_s = 20.0

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.log = folder / f"{type(self).__name__.lower()}.log"
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """What a client is told."""
        raise NotImplementedError

    def prepare(self) -> None:
        """What must be there before the first start; done before each."""

    def command(self) -> Sequence[str]:
        raise NotImplementedError

    def environment(self) -> Mapping[str, str] | None:
        """None: this process's own."""
        return None

    def answers(self) -> bool:
        """Whether it serves; asked many times a second."""
        raise NotImplementedError

    def start(self) -> None:
        """Raises ServiceFailed, and then leaves no process."""
        if self.running:
            raise ServiceFailed(f"{self.name} is running already, in {self.folder}")
        self.prepare()
        with self.log.open("ab") as log:
            # A session of its own: Ctrl-C ends the program that started it, which then ends its services in order.
            self._child = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=self.environment(),
                start_new_session=True,
            )
        try:
            self.wait(self.answers, "answer", self.ready_within_s)
        except BaseException:
            self.kill()
            raise

    def wait(self, look: Callable[[], bool], what: str, within_s: float) -> None:
        """Until `look` is true. Raises ServiceFailed when the service ends meanwhile, or does not `what` in time."""
        deadline = time.monotonic() + within_s
        while not look():
            if not self.running:
                raise ServiceFailed(f"{self.name} ended by itself{self._last_words()}")
            if time.monotonic() > deadline:
                raise ServiceFailed(f"{self.name} did not {what} within {within_s:g} s{self._last_words()}")
            time.sleep(0.05)

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def check(self) -> None:
        """Raises ServiceFailed if it is no longer there."""
        if not self.running:
            raise ServiceFailed(f"{self.name} ended by itself{self._last_words()}")

    def stop(self) -> None:
        """SIGTERM; gone when this returns, killed when it takes too long."""
        if self._child is None or not self.running:
            return
        os.killpg(self._child.pid, signal.SIGCONT)  # one that is paused would not hear of the end
        self._child.terminate()
        try:
            self._child.wait(self.stops_within_s)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """SIGKILL; gone when this returns."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()

    def pause(self) -> None:
        """It hangs: its connections stand, and nothing is answered."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def restart(self) -> None:
        self.stop()
        self.start()

    def _signal(self, number: signal.Signals) -> None:
        """To it and its children."""
        self.check()
        assert self._child is not None
        os.killpg(self._child.pid, number)

    def _last_words(self) -> str:
        status = self._child.poll() if self._child is not None else None
        ended = "" if status is None else f" with status {status}"
        lines = self.log.read_text("utf-8", "replace").splitlines()[-_TAIL_LINES:]
        return "\n".join([f"{ended}; the end of {self.log}:", *lines])

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def free_port() -> int:
    """A port nobody listens on, which the kernel lends to no client either."""
    for port in random.sample(_PORTS, len(_PORTS)):
        if _free(port):
            return port
    raise ServiceFailed(f"no port of {HOST} between {_PORTS.start} and {_PORTS.stop} is free")


def usual_port(port: int) -> int:
    """This one, or a free one where it is taken."""
    return port if _free(port) else free_port()


def _free(port: int) -> bool:
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind((HOST, port))
        except OSError:
            return False
    return True


def listens(port: int) -> bool:
    """Whether somebody accepts connections there."""
    with socket.socket() as one:
        return one.connect_ex((HOST, port)) == 0
