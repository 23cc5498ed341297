"""Whether the wall clock can be believed: somebody must say that it is synchronised, and it must not show the past."""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from agent.clock.daemons import CHRONY_DIR, Daemon, chronyc, ntp
from agent.clock.synchronised import Kernel, Timesyncd
from agent.domain.clock import SOFTWARE_BEGAN_US

log = logging.getLogger(__name__)

_BELIEVED_AFTER_S = 600.0

_UNTOLD = "nothing was said so far"
_UNSYNCHRONISED = "is not synchronised: times are estimates until a time server answers; see `timedatectl`"
_IN_THE_PAST = "is said to be synchronised but is not believed yet, since it shows the past; check the time server"


class Trust:
    """Judges the wall clock, and says in the log when it begins or ceases to be believed.

    `kernel`, `timesyncd` and `daemons` are those who may say that it is synchronised; any of them is enough, and the
    daemons are asked only where the others do not say so.
    """

    def __init__(
        self,
        kernel: Callable[[], bool] | None = None,
        timesyncd: Callable[[bool], bool] | None = None,
        daemons: Sequence[Callable[[float, bool], bool]] | None = None,
    ) -> None:
        self._kernel = kernel or Kernel()
        self._timesyncd = timesyncd or Timesyncd()
        asked = Daemon("chrony", chronyc, CHRONY_DIR.exists), Daemon("The NTP server", ntp)
        self._daemons = asked if daemons is None else daemons
        self._floor_us = SOFTWARE_BEGAN_US
        self._below_since_s: float | None = None
        self._doubt: str | None = _UNTOLD

    def not_before(self, utc_us: int) -> None:
        """Something was stored at that time while the clock was believed."""
        self._floor_us = max(self._floor_us, utc_us)

    def judge(self, boot_s: float, utc_us: int, stepped: bool) -> bool:
        """Whether `utc_us`, shown at `boot_s`, is right; `stepped` if the clock was set since it was last judged."""
        doubt = self._doubt_about(boot_s, utc_us, stepped)
        if doubt != self._doubt:
            self._tell(doubt, utc_us)
            self._doubt = doubt
        return doubt is None

    def _doubt_about(self, boot_s: float, utc_us: int, stepped: bool) -> str | None:
        synchronised = self._kernel(), self._timesyncd(stepped)
        if not any(synchronised) and not any(daemon(boot_s, stepped) for daemon in self._daemons):
            self._below_since_s = None
            return _UNSYNCHRONISED
        if utc_us >= self._floor_us:
            self._below_since_s = None
            return None
        if self._below_since_s is None or stepped:
            self._below_since_s = boot_s
        if utc_us < SOFTWARE_BEGAN_US or boot_s - self._below_since_s < _BELIEVED_AFTER_S:
            return _IN_THE_PAST
        # A time server that insists is right, and another, that was believed before, was wrong.
        log.warning(
            "Readings were stored as of %s already, but the time server keeps to its time", date(self._floor_us)
        )
        self._floor_us = utc_us
        return None

    def _tell(self, doubt: str | None, utc_us: int) -> None:
        if doubt is not None:
            log.warning("The wall clock, %s, %s", date(utc_us), doubt)
        elif self._doubt == _UNTOLD:
            log.info("The wall clock, %s, is synchronised", date(utc_us))
        else:
            log.warning("The wall clock, %s, is synchronised now", date(utc_us))


def date(utc_us: int) -> str:
    """UTC microseconds since 1970 for people."""
    return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=utc_us):%Y-%m-%d %H:%M:%S} UTC"
