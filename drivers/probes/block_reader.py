"""Fetches a probe's registers in as few requests as it accepts, and remembers what it does not accept.

A request that is refused for its address or its length is split, in the same turn, until only what the probe does not
have is missing; the next turns ask around it, and for each such value by itself. Some probes stay silent instead: that
means the same when another request of that turn was answered. Of a turn in which all is refused nothing is learned.
"""

from collections import deque
from collections.abc import Sequence

from agent.domain.errors import BadReply, BusError, NoReply, ProbeError
from agent.domain.reading import Missing
from drivers.interfaces import ModbusBus
from drivers.planning import STANDARD, Block, Manners
from drivers.probes.acceptance import Acceptance

Fetched = list[tuple[Block, Sequence[int] | Missing]]


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
        self._acceptance = Acceptance(bus.cost, wanted, declared, manners)

    async def read(self) -> Fetched:
        """The registers of each request, or why there are none; together the requests hold all of `wanted`.

        Raises BusError or a ProbeError when no request was answered.
        """
        acceptance, known = self._acceptance, self._acceptance.refused
        fetched: Fetched = []
        errors: list[BusError | ProbeError] = []
        alive = await self._answers_another_question()
        todo = deque(acceptance.requests())
        while todo:
            block = todo.popleft()
            try:
                fetched.append((block, await self._ask(block)))
                alive = True
            except (BusError, ProbeError) as error:
                alive = alive or not isinstance(error, BusError | NoReply)
                if alive and (parts := acceptance.parts_instead(block, error)):
                    todo.extendleft(reversed(parts))
                    continue
                errors.append(error)
                fetched.append((block, Missing(str(error), isinstance(error, BadReply))))
                todo.extendleft(acceptance.within(block))
                if isinstance(error, BusError) or not alive:
                    # A dead port, or a dead probe, costs one timeout a turn and not one a request.
                    fetched += [(left, fetched[-1][1]) for left in todo]
                    break
        nothing = all(isinstance(answer, Missing) for _, answer in fetched)
        if nothing:
            acceptance.remember(known)
        acceptance.note_silence(not alive and not isinstance(errors[-1], BusError))
        if nothing:
            raise errors[-1] if isinstance(errors[-1], BusError) else errors[0]
        # Where two requests overlap, what was answered counts.
        return sorted(fetched, key=lambda pair: not isinstance(pair[1], Missing))

    async def _answers_another_question(self) -> bool:
        """Whether a probe that has not answered so far does when it is asked for something else; raises NoReply."""
        question = self._acceptance.another_question()
        if question is None:
            return False
        try:
            await self._ask(question)
        except NoReply:
            self._acceptance.note_silence(True)
            raise
        except ProbeError:
            pass  # an answer of a kind
        return True

    async def _ask(self, block: Block) -> Sequence[int]:
        registers = await self._bus.read(self._unit, block.space, block.address, block.count)
        self._acceptance.note_answer(block)
        return registers
