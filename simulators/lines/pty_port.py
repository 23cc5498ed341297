"""The master's end of a pseudo-terminal, under a stable name: what a USB serial adapter is to the gateway."""

import asyncio
import contextlib
import os
import termios
import tty
from collections.abc import Callable
from pathlib import Path

_CHUNK = 4096


class PtyPort:
    """A pty whose far end is found under the symbolic link `link`; `received` gets the bytes that were written there.

    Bytes that nobody takes are lost once the kernel's buffer is full, as on a wire.
    """

    def __init__(self, link: Path, received: Callable[[bytes], None]) -> None:
        self.link = link
        self._received = received
        self._near: int | None = None
        self._far: int | None = None
        self.speed: int | None = None
        """The constant of `termios` for the baud rate that the far end chose last."""

    @property
    def is_open(self) -> bool:
        return self._near is not None

    def open(self) -> None:
        """Raises FileExistsError when something other than a symbolic link has the name. Harmless when open."""
        if self.is_open:
            return
        if self.link.exists() and not self.link.is_symlink():
            raise FileExistsError(f"{self.link}: in the way of a simulated serial port; it is not a symbolic link")
        # the far end stays open here, or the near end would see a hang-up whenever the gateway closes its own
        self._near, self._far = os.openpty()
        tty.setraw(self._far)
        os.set_blocking(self._near, False)
        self.link.parent.mkdir(parents=True, exist_ok=True)
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(os.ttyname(self._far))
        asyncio.get_running_loop().add_reader(self._near, self._read)

    def write(self, data: bytes) -> None:
        if self._near is not None:
            with contextlib.suppress(BlockingIOError):
                os.write(self._near, data)

    def close(self) -> None:
        """The adapter vanishes: whoever has it open gets a hang-up, and the link is gone. Harmless when closed."""
        if self._near is None or self._far is None:
            return
        asyncio.get_running_loop().remove_reader(self._near)
        if self.link.is_symlink() and self.link.readlink() == Path(os.ttyname(self._far)):
            self.link.unlink()
        os.close(self._near)
        os.close(self._far)
        self._near = self._far = None

    def _read(self) -> None:
        if self._near is not None:
            with contextlib.suppress(BlockingIOError):
                data = os.read(self._near, _CHUNK)
                self._accept_any_settings()
                self._received(data)

    def _accept_any_settings(self) -> None:
        # A pty has no parity, and glibc refuses to set one when nothing else changes, as on opening the port a second
        # time. Another baud rate, which means nothing here either, lets there be a change every time.
        if self._far is not None:
            settings = termios.tcgetattr(self._far)
            if settings[5] != termios.B50:
                self.speed = settings[5]
                settings[4] = settings[5] = termios.B50
                termios.tcsetattr(self._far, termios.TCSANOW, settings)
