"""Regular expressions out of a profile: compiled, and fast on every line that may come.

Some expressions take exponential time on a line that almost matches, such as `(\\d+)*;` on many digits, and Python's
engine lets nothing else run meanwhile: a gateway would stand still. So an expression is tried on ever longer lines that
begin like the profile's example, go on with one or two characters again and again and then spoil it, up to the longest
line there is, and refused as soon as one takes too long. The length grows slowly enough that even an exponential one is
caught after a moment.
"""

import re
import time
from collections.abc import Iterator
from typing import Final

from drivers.bus.text_stream import LONGEST_LINE
from drivers.probes.profile_entry import Entry

_TOO_LONG_S: Final = 0.02  # a sane expression takes a few microseconds
_SPOILERS: Final = ("\x7f", "\n", ",")


def line_pattern(entry: Entry, key: str, example: str) -> re.Pattern[str] | None:
    """The expression under `key`; None when it is missing or wrong, which `entry` then has been told. `example` is a
    line as it comes.
    """
    text = entry.text(key, "give a regular expression in 'single' quotes")
    if not text:
        return None
    try:
        pattern = re.compile(text, re.ASCII)
    except (re.error, RecursionError, OverflowError) as error:
        place = f" at character {error.pos + 1}" if isinstance(error, re.error) and error.pos is not None else ""
        entry.wrong(key, text, f"not a regular expression: {getattr(error, 'msg', error)}{place}")
        return None
    if slow := _slow_on(pattern, example):
        remedy = "let no repetition contain or follow another of the same characters: [0-9.]+, not ([0-9]*.?)+"
        entry.wrong(key, text, f"takes too long on a line such as {slow!r}; {remedy}")
        return None
    return pattern


def _slow_on(pattern: re.Pattern[str], example: str) -> str | None:
    """The beginning of a line on which `pattern` takes too long, if one is found. Only this thread's own time counts,
    however busy the machine.
    """
    for beginning, piece in _troubles(pattern.pattern, example[:LONGEST_LINE]):
        for spoiler in _SPOILERS:
            length = 8
            while length <= LONGEST_LINE:
                line = beginning + (piece * length)[: length - 1] + spoiler
                began = time.thread_time()
                pattern.fullmatch(line)
                if time.thread_time() - began > _TOO_LONG_S:
                    return line[: len(beginning) + 8] + "…"
                length += max(1, length // 6)
    return None


def _troubles(text: str, example: str) -> Iterator[tuple[str, str]]:
    """How a line may begin and go on: with digits, letters and the other characters that the expression names; or like
    the example up to any place, and then with what stands there.
    """
    characters = sorted({"0", "a", "A", " ", *re.findall(r"[^\w\\()\[\]{}^]", text, re.ASCII)})
    yield from (("", first + second) for first in characters for second in characters)
    for at in range(1, len(example)):
        yield from ((example[:at], example[at - back : at + 1]) for back in (0, 1))
