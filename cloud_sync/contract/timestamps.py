"""UTC microseconds as text, quickly: this runs once for every reading that leaves the gateway."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_US, _END_US = (
    (end.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1) + more
    for end, more in ((datetime.min, 0), (datetime.max, 1))
)


# The sensors of a probe are read at one moment, so most calls find theirs here.
@lru_cache(maxsize=256)
def iso_utc(utc_us: int) -> str:
    """ISO 8601 with microseconds and `Z`, of microseconds since 1970-01-01 UTC.

    Years 1 to 9999; OverflowError outside.
    """
    seconds, micros = divmod(utc_us, 1_000_000)
    return f"{_to_the_second(seconds)}.{micros:06d}Z"


def check_has_text(utc_us: int) -> None:
    """Raises what `iso_utc` would raise, at a fraction of its cost."""
    if not _FIRST_US <= utc_us < _END_US:
        iso_utc(utc_us)


def utc_day(utc_us: int) -> str:
    """The UTC day, such as `2026-11-23`."""
    return _day(utc_us // 86_400_000_000)


# A farm reads several probes in the same second.
@lru_cache(maxsize=256)
def _to_the_second(seconds: int) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).isoformat()[:19]


@lru_cache(maxsize=64)
def _day(days: int) -> str:
    return (_EPOCH + timedelta(days=days)).date().isoformat()
