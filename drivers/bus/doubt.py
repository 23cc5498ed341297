"""Answers that fit their question and may be another question's all the same.

The silence after a failure keeps away what is late by less than `quiet_s`. Two things it cannot keep away:

- A copy: a serial server or gateway sends an answer once more, or the frame of the request before. So an answer that is
  equal to the one another question got within `quiet_s` is asked for again, after a silence. Registers that really hold
  the same are found out by this, and not doubted again while they do.
- A straggler (RTU only; TCP has transaction ids): a probe slower than timeout and silence together answers a question
  that was given up, in time to look like the answer to the next one of the same shape. That one's own answer then is as
  late; so it is believed only when no other follows.
"""

from collections import OrderedDict
from typing import NamedTuple

from agent.domain.clock import Clock

_MOST_ALIKE = 1000


class Read(NamedTuple):
    """What was asked, and of whom."""

    unit: int
    function: int
    address: int
    registers: int


_Answer = tuple[int, int, tuple[int, ...]]


class Doubt:
    """What one line remembers of its last questions."""

    def __init__(self, clock: Clock, timeout_s: float, quiet_s: float) -> None:
        self._clock = clock
        self._quiet_s = quiet_s
        self._awaited_s = 2 * (timeout_s + quiet_s)
        self._answered: OrderedDict[_Answer, tuple[Read, float]] = OrderedDict()
        self._alike: dict[tuple[Read, Read], _Answer] = {}
        self._unanswered: dict[tuple[int, int, int], tuple[int, float]] = {}

    def copied_from(self, read: Read, registers: tuple[int, ...]) -> Read | None:
        """The other read whose answer this may be a copy of: ask again after a silence, and tell `asked_again`."""
        answer = (read.unit, read.function, registers)
        other, at_s = self._answered.get(answer, (read, 0.0))
        now_s = self._remember(answer, read)
        if other == read or now_s - at_s > self._quiet_s or self._alike.get((other, read)) == answer:
            return None
        return other

    def asked_again(self, other: Read, read: Read, registers: tuple[int, ...]) -> None:
        """What came the second time; the same registers again are no copy, and believed from now on."""
        answer = (read.unit, read.function, registers)
        self._remember(answer, read)
        if len(self._alike) >= _MOST_ALIKE:
            self._alike.clear()
        self._alike[other, read] = answer

    def _remember(self, answer: _Answer, read: Read) -> float:
        now_s, answered = self._clock.boot_s(), self._answered
        answered[answer] = (read, now_s)
        answered.move_to_end(answer)
        while next(iter(answered.values()))[1] < now_s - self._quiet_s:
            answered.popitem(last=False)
        return now_s

    def unanswered(self, read: Read, asked_s: float) -> None:
        """A question got no answer, or none that could be used."""
        shape = (read.unit, read.function, read.registers)
        _, since_s = self._unanswered.get(shape, (0, -self._awaited_s))
        if asked_s - since_s >= self._awaited_s:
            self._unanswered[shape] = (read.address, asked_s)

    def straggles_s(self, read: Read, asked_s: float) -> float:
        """How long the line must stay silent before the answer to `read` is believed; mostly 0."""
        shape = (read.unit, read.function, read.registers)
        address, since_s = self._unanswered.get(shape, (read.address, asked_s))
        if address == read.address:
            return 0.0
        del self._unanswered[shape]
        late_s = asked_s - since_s
        return late_s + self._quiet_s if late_s < self._awaited_s else 0.0
