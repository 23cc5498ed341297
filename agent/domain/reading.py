"""A reading, what the checks said of it, and how it looks once stored.

Those that are made for every value are named tuples: frozen dataclasses take three times as long to make.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from agent.domain.clock import Instant
from agent.domain.farm import Sensor
from agent.domain.quality import PERFECT


class Flag(IntEnum):
    """QARTOD primary flags (IOC 54:V3, 2013)."""

    GOOD = 1
    NOT_EVALUATED = 2
    SUSPECT = 3
    FAIL = 4
    MISSING = 9


@dataclass(frozen=True, slots=True)
class Missing:
    """Why there is no value; takes the place of a number wherever a driver returns one.

    `garbled`: bytes came, but they were no answer to the question (a wrong checksum, text that is no number).
    `ready_in_s`: the probe has just been started and has a value after that many seconds; 0: nobody knows.
    """

    because: str
    garbled: bool = False
    ready_in_s: float = 0.0


class Reading(NamedTuple):
    """One value of one sensor at one instant, in the sensor's canonical unit, or the fact that there is none.

    `value` is finite, or None together with the reason in `because`; `garbled` as in `Missing`.
    """

    sensor: Sensor
    at: Instant
    value: float | None
    because: str | None = None
    garbled: bool = False


class Verdict(NamedTuple):
    """What one check said of one reading.

    `because` gives the reason of a flag that is not good. `quality` is the most that the reading can still be worth
    after this verdict, one of the scores in `agent.domain.quality`.
    """

    flag: Flag
    because: str | None = None
    quality: float = PERFECT


class CheckedReading(NamedTuple):
    """A reading with its worst flag, its quality score in [0, 1] and the reasons.

    `tests` holds one flag digit a check, in the order of `agent.checks.CHECKS`; a check that is off says 2.
    """

    reading: Reading
    flag: Flag
    quality: float
    tests: str
    because: str | None


def valid_value(checked: CheckedReading) -> float | None:
    """The value, if it says anything about the water: there is one, and no check failed it."""
    return None if checked.flag is Flag.FAIL else checked.reading.value


class StoredReading(NamedTuple):
    """A checked reading as the ring buffer holds it.

    `seq` grows with every stored reading. `epoch` names the incarnation of the ring buffer that gave the number: a new
    one begins when a damaged file had to be replaced, or its log ends in doubt, and with it a number may be given a
    second time.
    """

    seq: int
    checked: CheckedReading
    epoch: str = ""


@dataclass(frozen=True, slots=True)
class Gap:
    """Readings that `sink` will never get one by one.

    `count` readings (None: nobody knows how many) with sequence numbers `first_seq` to `last_seq` (0 if they never had
    one), measured from `from_us` to `to_us` (UTC microseconds).
    """

    seq: int
    sink: str
    first_seq: int
    last_seq: int
    from_us: int
    to_us: int
    count: int | None
    because: str
    epoch: str = ""


@dataclass(frozen=True, slots=True)
class Rollup:
    """The readings of one sensor in the minute of UTC that begins at `minute_us`, in a few numbers.

    `readings` of them, with sequence numbers from `first_seq` to `last_seq`; `usable` had a value that no check failed,
    and `least`, `mean` and `greatest` are theirs (None if there were none). `flag` is the worst flag, `quality` the
    mean quality score of all. `trusted` says whether the time can be believed. A minute may come in several parts.
    """

    seq: int
    sensor: Sensor
    minute_us: int
    trusted: bool
    first_seq: int
    last_seq: int
    readings: int
    usable: int
    least: float | None
    mean: float | None
    greatest: float | None
    flag: Flag
    quality: float
    epoch: str = ""
