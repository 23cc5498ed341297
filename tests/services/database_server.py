"""What the tests' real PostgreSQL and real TimescaleDB have in common: a child process on a port of its own."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Self

import psycopg
from psycopg import sql

from tests.system.waiting import free_port

HOST = "127.0.0.1"
_STARTS_WITHIN_S = 60.0


class DatabaseServer(ABC):
    """Runs while the context is open. `stop`, `kill` (-9) and `start` may alternate: port and data stay the same."""

    def __init__(self) -> None:
        # Not below pytest's folder, which nobody but its owner may enter; and short, for the path of a Unix socket.
        self.folder = Path(tempfile.mkdtemp(prefix="aqua-db-"))
        self.port = free_port()
        self._child: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def dsn(self) -> str:
        """An empty or not so empty database of this server, as its superuser."""

    @abstractmethod
    def fresh(self) -> AbstractContextManager[str]:
        """The DSN of an empty database that is this test's alone."""

    @abstractmethod
    def _command(self) -> Sequence[str]: ...

    def _as_whom(self) -> Mapping[str, Any]:
        """Arguments for `subprocess` that name the user the server runs as."""
        return {}

    @property
    def said(self) -> str:
        """Everything the server ever wrote."""
        log = self.folder / "log"
        return log.read_text(errors="replace") if log.exists() else ""

    def start(self) -> None:
        """Returns once it answers queries."""
        deadline = time.monotonic() + _STARTS_WITHIN_S
        self._launch()
        while not self._answers():
            assert time.monotonic() < deadline, f"it did not answer in {_STARTS_WITHIN_S:g} s: {self.said}"
            if self._child is not None and self._child.poll() is not None:
                self._launch()  # the children of one that was killed still let go of its memory
            time.sleep(0.03)

    def stop(self) -> None:
        """SIGINT: connections are broken, what was committed is kept."""
        self._signal(signal.SIGINT)
        self._gone()

    def kill(self) -> None:
        """SIGKILL for the server and its children."""
        self.resume()
        self._signal(signal.SIGKILL)
        self._gone()

    def restart(self) -> None:
        self.stop()
        self.start()

    def pause(self) -> None:
        """It hangs: its connections stand, and nothing is answered."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def execute(self, statement: sql.SQL | sql.Composed, dsn: str | None = None) -> None:
        """One statement outside a transaction, as the superuser."""
        with psycopg.connect(dsn or self.dsn, autocommit=True) as connection:
            connection.execute(statement)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._child is not None:
            self.kill()
        shutil.rmtree(self.folder)

    def _launch(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self._child = subprocess.Popen(
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,  # so that a signal reaches its children too
                **self._as_whom(),
            )

    def _answers(self) -> bool:
        try:
            with psycopg.connect(self.dsn, connect_timeout=5) as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _signal(self, number: signal.Signals) -> None:
        assert self._child is not None, "it was never started"
        if self._child.poll() is None:
            os.killpg(self._child.pid, number)

    def _gone(self) -> None:
        assert self._child is not None, "it was never started"
        self._child.wait(30)
