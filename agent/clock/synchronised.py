"""Those who can say that the wall clock is synchronised: the kernel, systemd-timesyncd and chrony.

The kernel knows of timesyncd, of ntpd, and of chrony with `rtcsync`. Where it may not be asked, timesyncd's mark is
left; chrony without `rtcsync` tells nobody but `chronyc`.
"""

import ctypes
import logging
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from threading import Thread

log = logging.getLogger(__name__)

TIMESYNCD_MARK = Path("/run/systemd/timesync/synchronized")
CHRONY_DIR = Path("/run/chrony")
CHRONYC = ("/usr/bin/chronyc", "-c", "tracking")

_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
_ASKED_EVERY_S = 60.0
_DEADLINE_S = 10.0
_FIELDS = 14  # of a line of `chronyc -c tracking`
_LOCAL_CLOCK = "7F7F0101"
_LARGEST_OFFSET_S = 1.0


class Kernel:
    """Asks adjtimex(2); where that is forbidden, which is logged once, the answer is no."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._refused = False

    def __call__(self) -> bool:
        timex = ctypes.create_string_buffer(512)  # larger than struct timex; all zero means "only ask"
        state: int = self._libc.adjtimex(timex)
        if state < 0 and not self._refused:
            self._refused = True
            because = os.strerror(ctypes.get_errno())
            log.warning("The kernel may not be asked whether the clock is synchronised (adjtimex: %s)", because)
        return 0 <= state < _TIME_ERROR


class Timesyncd:
    """Looks at the mark that is touched whenever timesyncd has set the clock right.

    The mark stays when somebody else sets the clock: then it means nothing until it is touched again.
    """

    def __init__(self, mark: Path = TIMESYNCD_MARK) -> None:
        self._mark = mark
        self._touched: int | None = None
        self._overruled: int | None = None

    def __call__(self, stepped: bool) -> bool:
        try:
            touched = self._mark.stat().st_mtime_ns
        except OSError:  # there is none, or not for our eyes
            return False
        if stepped and touched == self._touched:
            self._overruled = touched
        self._touched = touched
        return touched != self._overruled


class Chrony:
    """Asks `chronyc`, once a minute and where chrony runs, in a thread: it may take as long as it likes."""

    def __init__(
        self,
        run_dir: Path = CHRONY_DIR,
        command: tuple[str, ...] = CHRONYC,
        start: Callable[[Callable[[], None]], None] = lambda work: Thread(target=work, daemon=True).start(),
    ) -> None:
        self._run_dir = run_dir
        self._command = command
        self._start = start
        self._asked_s: float | None = None
        self._synchronised = False
        self._trouble: str | None = None

    def __call__(self, boot_s: float, stepped: bool) -> bool:
        age_s = float("inf") if stepped or self._asked_s is None else boot_s - self._asked_s
        if age_s > 2 * _ASKED_EVERY_S:
            self._synchronised = False
        if age_s >= _ASKED_EVERY_S and self._run_dir.exists():
            self._asked_s = boot_s
            self._start(self._ask)
        return self._synchronised

    def _ask(self) -> None:
        try:
            asked = subprocess.run(self._command, capture_output=True, text=True, timeout=_DEADLINE_S, check=True)  # noqa: S603
            self._synchronised = says_synchronised(asked.stdout)
            self._trouble = None
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            self._synchronised = False
            if str(error) != self._trouble:
                log.warning("chrony does not say whether the clock is synchronised: %s", error)
            self._trouble = str(error)


def says_synchronised(tracking: str) -> bool:
    """What a line of `chronyc -c tracking` means. Raises ValueError for anything else.

    A clock that chrony serves for want of a better one is not synchronised, nor one that it still moves by seconds.
    """
    fields = tracking.strip().split(",")
    if len(fields) != _FIELDS:
        raise ValueError(f"chronyc said {tracking!r}")
    reference, offset_s, leap = fields[0], float(fields[4]), fields[-1]
    return leap != "Not synchronised" and reference != _LOCAL_CLOCK and abs(offset_s) < _LARGEST_OFFSET_S
