"""A person at a terminal: what a command shows there, and what is typed."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from tests.system.processes import ROOT
from tests.system.waiting import until


class Terminal:
    """A child on a pseudo-terminal of its own, 40 columns wide as on a phone. `shown` is all it ever wrote."""

    def __init__(self, command: Sequence[str]) -> None:
        self._end, other = pty.openpty()
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))
        os.set_blocking(self._end, False)
        self.shown = ""
        self._read = 0
        # `setsid -c` makes the terminal the child's own: Ctrl-C reaches it.
        self.child = subprocess.Popen(
            ["setsid", "-cw", sys.executable, "-m", "agent", *command],
            cwd=ROOT, stdin=other, stdout=other, stderr=other, env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        )  # fmt: skip
        os.close(other)

    async def shows(self, words: str, within_s: float = 60.0) -> None:
        """What follows is looked for after these words."""

        def look() -> bool:
            self._take()
            return words in self.shown[self._read :]

        try:
            await until(look, within_s, f"{words!r} is shown")
        finally:
            print(self.shown[self._read :])
        self._read = self.shown.index(words, self._read) + len(words)

    def types(self, text: str) -> None:
        os.write(self._end, text.encode())

    async def answers(self, question: str, answer: str = "") -> None:
        await self.shows(question)
        self.types(f"{answer}\n")

    async def ended(self) -> int:
        def look() -> bool:
            self._take()  # or it would wait for somebody who reads
            return self.child.poll() is not None

        await until(look, 60, "the command ends")
        return self.child.returncode

    def close(self) -> None:
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        os.close(self._end)

    def _take(self) -> None:
        with suppress(BlockingIOError, OSError):  # nothing there; nobody at the other end any more
            while some := os.read(self._end, 65536):
                self.shown += some.decode(errors="replace").replace("\r\n", "\n")


@contextmanager
def terminal(*command: str) -> Iterator[Terminal]:
    """A command of the command line."""
    one = Terminal(command)
    try:
        yield one
    finally:
        one.close()
