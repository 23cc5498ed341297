"""The daemons that keep the clock and can be asked whether it is right: chrony, and any that serves NTP here.

So the service needs no system call by which a clock can be set, not even to ask the kernel.
"""

import logging
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from threading import Thread

log = logging.getLogger(__name__)

CHRONY_DIR = Path("/run/chrony")
CHRONYC = ("/usr/bin/chronyc", "-c", "tracking")
NTP = ("127.0.0.1", 123)

_ASKED_EVERY_S = 60.0
_DEADLINE_S = 10.0
_FIELDS = 14  # of a line of `chronyc -c tracking`
_LOCAL_CLOCK = "7F7F0101"
_LARGEST_OFFSET_S = 1.0
# RFC 5905: version 4, from a client (mode 3) to a server (mode 4), and what says that a server is not synchronised.
_ASK_NTP = bytes([4 << 3 | 3]) + bytes(47)
_SERVER = 4
_ALARM = 3
_STRATA = range(1, 16)
_LOCAL_REFERENCES = (b"LOCL", b"\x7f\x7f\x01")


class Daemon:
    """Asked once a minute, if it is `there`, and in a thread: it may take as long as it likes. `ask` may raise OSError,
    SubprocessError or ValueError, which is logged once.
    """

    def __init__(
        self,
        name: str,
        ask: Callable[[], bool],
        there: Callable[[], bool] = lambda: True,
        start: Callable[[Callable[[], None]], None] = lambda work: Thread(target=work, daemon=True).start(),
    ) -> None:
        self._name = name
        self._ask = ask
        self._there = there
        self._start = start
        self._asked_s: float | None = None
        self._synchronised = False
        self._trouble: str | None = None

    def __call__(self, boot_s: float, stepped: bool) -> bool:
        age_s = float("inf") if stepped or self._asked_s is None else boot_s - self._asked_s
        if age_s > 2 * _ASKED_EVERY_S:
            self._synchronised = False
        if age_s >= _ASKED_EVERY_S and self._there():
            self._asked_s = boot_s
            self._start(self._note)
        return self._synchronised

    def _note(self) -> None:
        try:
            self._synchronised = self._ask()
            self._trouble = None
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            self._synchronised = False
            if str(error) != self._trouble:
                log.warning("%s does not say whether the clock is synchronised: %s", self._name, error)
            self._trouble = str(error)


def chronyc(command: tuple[str, ...] = CHRONYC) -> bool:
    """Raises OSError, SubprocessError, ValueError."""
    asked = subprocess.run(command, capture_output=True, text=True, timeout=_DEADLINE_S, check=True)  # noqa: S603
    return tracks(asked.stdout)


def tracks(tracking: str) -> bool:
    """What a line of `chronyc -c tracking` means. Raises ValueError for anything else.

    A clock that chrony serves for want of a better one is not synchronised, nor one that it still moves by seconds.
    """
    fields = tracking.strip().split(",")
    if len(fields) != _FIELDS:
        raise ValueError(f"chronyc said {tracking!r}")
    reference, offset_s, leap = fields[0], float(fields[4]), fields[-1]
    return leap != "Not synchronised" and reference != _LOCAL_CLOCK and abs(offset_s) < _LARGEST_OFFSET_S


def ntp(address: tuple[str, int] = NTP, within_s: float = _DEADLINE_S) -> bool:
    """What an NTP server on this machine says of its own clock; no, if there is none. Raises OSError, ValueError."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(within_s)
        asking.connect(address)
        try:
            asking.send(_ASK_NTP)
            answer = asking.recv(512)
        except ConnectionRefusedError:
            return False
    return serves(answer)


def serves(answer: bytes) -> bool:
    """What an NTP packet (RFC 5905, section 7.3) means. Raises ValueError when it is no server's.

    A server that serves its own clock for want of a better one is not synchronised.
    """
    if len(answer) < len(_ASK_NTP) or answer[0] & 7 != _SERVER:
        raise ValueError(f"an NTP server said {answer[:48].hex()}")
    leap, stratum, reference = answer[0] >> 6, answer[1], answer[12:16]
    return leap != _ALARM and stratum in _STRATA and not reference.startswith(_LOCAL_REFERENCES)
