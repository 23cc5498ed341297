"""Where the log of the running gateway goes, and how much of it.

Everything that logs tells changes, once. Something that changes all the time is limited here: of messages from the same
place about the same probe or bus ten go at once, then one a minute, which says how many like it were left out.
"""

import logging
import sys
import time
from collections.abc import Callable
from typing import Final

from agent.journal import JournalHandler, stderr_is_the_journal

_AT_ONCE: Final = 10
_THEN_EVERY_S: Final = 60.0
_MOST_KINDS: Final = 10_000


def set_up(level: str) -> None:
    """To journald with fields if standard error leads there, else to standard error as text."""
    handler: logging.Handler
    if stderr_is_the_journal():
        handler = JournalHandler()
    else:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    handler.addFilter(RateLimit(lambda: time.clock_gettime(time.CLOCK_BOOTTIME)))
    logging.basicConfig(level=level, handlers=[handler])


class RateLimit:
    """A filter of log records, by the place in the code and what they are about; `boot_s` is the clock."""

    def __init__(self, boot_s: Callable[[], float]) -> None:
        self._boot_s = boot_s
        self._kinds: dict[tuple[object, ...], tuple[float, float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        kind = (record.pathname, record.lineno, getattr(record, "probes", None), getattr(record, "bus", None))
        now_s = self._boot_s()
        if kind not in self._kinds and len(self._kinds) >= _MOST_KINDS:
            self._kinds.clear()
        left, since_s, left_out = self._kinds.get(kind, (float(_AT_ONCE), now_s, 0))
        left = min(_AT_ONCE, left + (now_s - since_s) / _THEN_EVERY_S)
        if left < 1:
            self._kinds[kind] = (left, now_s, left_out + 1)
            return False
        self._kinds[kind] = (left - 1, now_s, 0)
        if left_out:
            record.msg = f"{record.getMessage()} ({left_out} like it were left out)"
            record.args = ()
        return True
