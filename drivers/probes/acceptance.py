"""Which requests one probe has answered and which it has refused, and what to ask it therefore."""

from collections.abc import Sequence, Set
from itertools import pairwise
from typing import Final

from agent.domain.errors import BusError, NoReply, ProbeError, Refused
from drivers.interfaces import Cost
from drivers.planning import Block, Manners, hull, outermost, plan

_NOT_ACCEPTED: Final = (2, 3)  # illegal address; illegal value, which some say of too long a request
_FORGOTTEN_AFTER: Final = 3  # silent turns: another device may have come in the place of this one


class Acceptance:
    """`wanted`, `declared` and `manners` as in `BlockReader`; `cost` is what a read takes on its line."""

    def __init__(self, cost: Cost, wanted: Sequence[Block], declared: Sequence[Block], manners: Manners) -> None:
        self.refused: Set[Block] = frozenset()
        self.silent_turns = 0
        self._cost = cost
        self._wanted = wanted
        self._declared = declared
        self._manners = manners
        self._answered: set[Block] = set()
        self._plan = self._made_plan()

    def requests(self) -> list[Block]:
        """What to ask: first what was answered before, so that a silent register does not pass for a silent probe."""
        return sorted(self._plan, key=lambda block: block not in self._answered)

    def another_question(self) -> Block | None:
        """For a probe that has been silent so far: it may only not have what it was asked for."""
        if self._declared or self._answered or not self.silent_turns:
            return None
        return self._wanted[self.silent_turns % len(self._wanted)]

    def note_answer(self, block: Block) -> None:
        self._answered.add(block)
        if block in self.refused:
            self.remember(self.refused - {block})

    def note_silence(self, silent: bool) -> None:
        """Whether the probe was silent for a whole turn."""
        self.silent_turns = self.silent_turns + 1 if silent else 0
        if self.silent_turns == _FORGOTTEN_AFTER:
            self._answered.clear()
            self.remember(frozenset())

    def remember(self, refused: Set[Block]) -> None:
        """These are refused, and no others."""
        if refused != self.refused:
            self.refused = refused
            self._plan = self._made_plan()

    def parts_instead(self, block: Block, error: BusError | ProbeError) -> list[Block]:
        """What to ask instead of a block that is not accepted, which is remembered; nothing where it is or can't be."""
        refused = isinstance(error, Refused) and error.code in _NOT_ACCEPTED
        ignored = isinstance(error, NoReply) and not self._declared and block not in self._answered
        if not refused and not ignored:
            return []
        self.remember({known for known in self.refused if not known.holds(block)} | {block})
        inside = self._wanted_in(block)
        if hull(inside) != block:
            return [hull(inside)]
        if len(inside) == 1:
            return []
        gaps = [after.address - before.end for before, after in pairwise(inside)]
        middle = len(inside) / 2
        cut = 1 + max(range(len(gaps)), key=lambda at: (gaps[at], -abs(at + 1 - middle)))
        return [hull(inside[:cut]), hull(inside[cut:])]

    def within(self, block: Block) -> list[Block]:
        """What lies within a refused `block` and is wanted by itself, too."""
        if block not in self.refused:
            return []
        return outermost(part for part in self._wanted if block.holds(part) and part != block)

    def _made_plan(self) -> tuple[Block, ...]:
        cost, manners, refused = self._cost, self._manners, self.refused
        if not self._declared:
            return plan(self._wanted, cost, manners, refused)
        blocks: list[Block] = []
        for block in self._declared:
            if any(block.holds(part) for part in refused):
                blocks += plan(self._wanted_in(block), cost, manners, refused)
            else:
                blocks.append(block)
        return tuple(blocks)

    def _wanted_in(self, block: Block) -> list[Block]:
        return outermost(part for part in self._wanted if block.holds(part))
