"""Fetches a probe's registers in as few requests as it accepts, and remembers what it does not accept.

A request that is refused for its address or its length is split, in the same turn, until only what the probe does not
have is missing; the next turns ask around it, and for each such value by itself. Some probes stay silent instead: that
means the same when another request of that turn was answered. Of a turn in which all is refused nothing is learned.
"""

from collections import deque
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from agent.domain.errors import BadReply, BusError, NoReply, ProbeError, Refused
from agent.domain.reading import Missing
from drivers.interfaces import ModbusBus
from drivers.planning import STANDARD, Block, Manners, hull, outermost, plan

Fetched = list[tuple[Block, Sequence[int] | Missing]]

_NOT_ACCEPTED: Final = (2, 3)  # illegal address; illegal value, which some say of too long a request
_FORGOTTEN_AFTER: Final = 3  # silent turns: another device may have come in the place of this one


class BlockReader:
    """Reads `wanted` from one probe; `declared` are requests to make as they are, and hold all of `wanted`.

    Silence on a declared request is silence: it is the manual's own.
    """

    def __init__(
        self,
        bus: ModbusBus,
        unit: int,
        wanted: Sequence[Block],
        declared: Sequence[Block] = (),
        manners: Manners = STANDARD,
    ) -> None:
        self._bus = bus
        self._unit = unit
        self._wanted = wanted
        self._declared = declared
        self._manners = manners
        self._refused: set[Block] = set()
        self._answered: set[Block] = set()
        self._silent_turns = 0
        self._plan = self._made_plan()

    async def read(self) -> Fetched:
        """The registers of each request, or why there are none; together the requests hold all of `wanted`.

        Raises BusError or a ProbeError when no request was answered.
        """
        fetched: Fetched = []
        known = self._refused
        errors: list[BusError | ProbeError] = []
        alive = await self._answers_another_question()
        # What answered before comes first, so that a silent register does not pass for a silent probe.
        todo = deque(sorted(self._plan, key=lambda block: block not in self._answered))
        while todo:
            block = todo.popleft()
            try:
                fetched.append((block, await self._ask(block)))
                alive = True
            except (BusError, ProbeError) as error:
                alive = alive or not isinstance(error, BusError | NoReply)
                if alive and (parts := self._parts_instead(block, error)):
                    todo.extendleft(reversed(parts))
                    continue
                errors.append(error)
                fetched.append((block, Missing(str(error), isinstance(error, BadReply))))
                if block in self._refused:
                    todo.extendleft(self._within(block))
                if isinstance(error, BusError) or not alive:
                    # A dead port, or a dead probe, costs one timeout a turn and not one a request.
                    fetched += [(left, fetched[-1][1]) for left in todo]
                    break
        # Where two requests overlap, what was answered counts.
        fetched.sort(key=lambda pair: not isinstance(pair[1], Missing))
        nothing = all(isinstance(answer, Missing) for _, answer in fetched)
        if nothing:
            self._remember(known)
        self._note_silence(not alive and not isinstance(errors[-1], BusError))
        if nothing:
            raise errors[-1] if isinstance(errors[-1], BusError) else errors[0]
        return fetched

    async def _answers_another_question(self) -> bool:
        """Whether a probe that has not answered so far does when it is asked for something else; raises NoReply."""
        if self._declared or self._answered or not self._silent_turns:
            return False
        try:
            await self._ask(self._wanted[self._silent_turns % len(self._wanted)])
        except NoReply:
            self._note_silence(True)
            raise
        except ProbeError:
            pass  # an answer of a kind
        return True

    async def _ask(self, block: Block) -> Sequence[int]:
        registers = await self._bus.read(self._unit, block.space, block.address, block.count)
        self._answered.add(block)
        if block in self._refused:
            self._remember(self._refused - {block})
        return registers

    def _parts_instead(self, block: Block, error: BusError | ProbeError) -> list[Block]:
        """What to ask instead of a block that is not accepted, which is remembered; nothing where it is or can't be."""
        refused = isinstance(error, Refused) and error.code in _NOT_ACCEPTED
        ignored = isinstance(error, NoReply) and not self._declared and block not in self._answered
        if not refused and not ignored:
            return []
        self._remember({known for known in self._refused if not known.holds(block)} | {block})
        inside = self._wanted_in(block)
        if hull(inside) != block:
            return [hull(inside)]
        if len(inside) == 1:
            return []
        gaps = [after.address - before.end for before, after in pairwise(inside)]
        middle = len(inside) / 2
        cut = 1 + max(range(len(gaps)), key=lambda at: (gaps[at], -abs(at + 1 - middle)))
        return [hull(inside[:cut]), hull(inside[cut:])]

    def _remember(self, refused: set[Block]) -> None:
        if refused != self._refused:
            self._refused = refused
            self._plan = self._made_plan()

    def _made_plan(self) -> tuple[Block, ...]:
        cost, manners, refused = self._bus.cost, self._manners, self._refused
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

    def _within(self, block: Block) -> list[Block]:
        """What lies within a wanted `block` and is wanted by itself, too."""
        return outermost(part for part in self._wanted if block.holds(part) and part != block)

    def _note_silence(self, silent: bool) -> None:
        self._silent_turns = self._silent_turns + 1 if silent else 0
        if self._silent_turns == _FORGOTTEN_AFTER:
            self._answered.clear()
            self._remember(set())
