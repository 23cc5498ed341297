"""Real processes on a test's stage: the gateway, a broker, a farm. What they say goes into files."""

import asyncio
import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.services import mosquitto
from tests.services.service import NotInstalled
from tests.system.waiting import answers, until

ROOT = Path(__file__).parents[2]
HOST = "127.0.0.1"
T = TypeVar("T")


class Process:
    """A child process. `start` and `kill` may alternate; `said` is everything it ever wrote."""

    def __init__(self, name: str, command: Sequence[str], folder: Path) -> None:
        self.name = name
        self.arguments = command
        self._output = folder / f"{name}.log"
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def child(self) -> subprocess.Popen[bytes]:
        assert self._child is not None, f"{self.name} was never started"
        return self._child

    @property
    def said(self) -> str:
        return self._output.read_text(errors="replace") if self._output.exists() else ""

    def start(self) -> None:
        with self._output.open("ab") as output:
            self._child = subprocess.Popen(
                self.arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=ROOT
            )

    async def ended(self, within_s: float = 60.0) -> int:
        """Its exit status."""
        await until(lambda: self.child.poll() is not None, within_s, f"{self.name} ends")
        return self.child.returncode

    async def stop(self, within_s: float = 60.0) -> int:
        """SIGTERM; returns the exit status."""
        self.child.terminate()
        return await self.ended(within_s)

    def kill(self) -> None:
        """SIGKILL; gone when this returns."""
        self.child.kill()
        self.child.wait()

    def pause(self) -> None:
        """It hangs: its connections stand, and nothing is answered."""
        self.child.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.child.send_signal(signal.SIGCONT)

    def clean_up(self) -> None:
        if self._child is not None:
            self.kill()


class Gateway(Process):
    """`aqua-gateway run` with the configuration in `folder`."""

    def __init__(self, folder: Path, config: str, state: Path | None = None) -> None:
        self.folder = folder
        self.config = folder / "gateway.toml"
        self.config.write_text(config, encoding="utf-8")
        self.database = (state or folder / "state") / "ring-buffer.sqlite"
        super().__init__("gateway", [sys.executable, "-m", "agent", "run", str(self.config)], folder)

    async def command(self, name: str, *options: str) -> subprocess.CompletedProcess[str]:
        """Another command of the command line, as a process of its own, while the farm goes on."""
        command = [sys.executable, "-m", "agent", name, str(self.config), *options]
        return await asyncio.to_thread(subprocess.run, command, cwd=ROOT, capture_output=True, text=True, timeout=30)

    async def status_tells(self, look: Callable[[dict[str, Any]], T], within_s: float = 60.0) -> T:
        """The first true answer of `look` to what `status --json` prints, which is a few seconds old."""
        deadline = time.monotonic() + within_s
        while True:
            status = json.loads((await self.command("status", "--json")).stdout)
            if seen := look(status):
                return seen
            assert time.monotonic() < deadline, f"status did not tell it; its last words: {status['gateway']}"

    def rows(self, sql: str, *values: object) -> list[Any]:
        """Answers of the ring buffer; none while it cannot be read."""
        if not self.database.is_file():
            return []
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=5)) as connection:
            try:
                return connection.execute(sql, values).fetchall()
            except sqlite3.DatabaseError:
                return []

    def stored(self) -> int:
        """The newest sequence number, 0 before the first."""
        rows = self.rows("SELECT max(seq) FROM readings")
        return (rows[0][0] or 0) if rows else 0

    async def stores_more(self, readings: int = 20, within_s: float = 60.0) -> int:
        """Wait until so many more readings are stored; the newest sequence number then."""
        wanted = self.stored() + readings

        def look() -> bool:
            assert self.child.poll() is None, "the gateway has ended"
            return self.stored() >= wanted

        await until(look, within_s, f"reading {wanted} is stored")
        return self.stored()


class Mosquitto(Process):
    """A broker that remembers sessions and retained messages over a restart, even when it is killed (unless it does
    not save every change).
    """

    def __init__(
        self, folder: Path, port: int, access: str = "allow_anonymous true", saves_every_change: bool = True
    ) -> None:
        self.port = port
        try:
            binary = mosquitto.program()
        except NotInstalled as missing:
            pytest.skip(str(missing))
        memory = folder / "mosquitto"
        memory.mkdir()
        config = folder / "mosquitto.conf"
        config.write_text(mosquitto.configuration(memory, port, access, saves_every_change))
        super().__init__("mosquitto", [binary, "-c", str(config)], folder)

    async def serve(self) -> None:
        """Start, and return once it answers."""
        self.start()
        await until(lambda: answers(self.port), what="Mosquitto answers")


async def ran(gateway: Gateway, *command: str) -> subprocess.CompletedProcess[str]:
    """An `aqua-gateway` command with the gateway's own configuration, to its end."""
    whole = [sys.executable, "-m", "agent", *command, "--config", str(gateway.config)]
    return await asyncio.to_thread(subprocess.run, whole, cwd=ROOT, capture_output=True, text=True, timeout=30)
