"""Who can say at once that the wall clock is synchronised: the kernel, and systemd-timesyncd.

The kernel knows of timesyncd, of ntpd, and of chrony with `rtcsync`; it may not be asked by the hardened service, since
the same system call sets the clock. Then timesyncd's mark is left, and the daemons that answer (`agent.clock.daemons`).
"""

import ctypes
import logging
import os
from pathlib import Path

log = logging.getLogger(__name__)

TIMESYNCD_MARK = Path("/run/systemd/timesync/synchronized")

_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised


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
            log.info(
                "The kernel may not be asked whether the clock is synchronised (adjtimex: %s): timesyncd, chrony "
                "or an NTP server on this machine has to say it",
                because,
            )
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
