"""A tap on a bus: hears every frame, says nothing, changes nothing."""

from collections.abc import Callable
from typing import NamedTuple


class Frame(NamedTuple):
    """Bytes that went over a bus, all that belong to one question or its answer.

    `at_s` is boot time, when the last of them had been sent or come. `objection` says why bytes that came answer
    nothing (None: they were sent, or they were the answer); `data` is empty when nothing came at all.
    """

    at_s: float
    sent: bool
    data: bytes
    objection: str | None = None


Tap = Callable[[Frame], None]
"""Called in the event loop for every frame: it must return at once and raise nothing."""
