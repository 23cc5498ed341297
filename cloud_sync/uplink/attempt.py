"""One batch on its way into a sink, and who is to blame when it is refused.

A refusal is believed only when the sink takes a later record of the same lane and then refuses the earlier one again:
so it is the record that is bad. Until then the refused records are suspects, nothing is decided about them, and they
are offered again. So a fault of the whole sink (a changed schema, a wrong endpoint) never sets a record aside, while a
single bad record holds up its neighbours no longer than it takes to find it by halving.
"""

from collections.abc import Awaitable, Callable, Sequence

from agent.domain.errors import SinkUnavailable
from cloud_sync.contract.record import Record
from cloud_sync.uplink.interfaces import BatchRefused, Delivery, Rejection

MOST_SUSPECTS = 16
"""So many refusals in a row, without one acceptance after them, speak against the sink."""

_TIMES_AGAIN = 2  # three refusals in all

Send = Callable[[Sequence[Record]], Awaitable[Delivery]]


class Attempt:
    """Offers a batch in parts of at most `limit`; what it has achieved can be read at any time, also after an error.

    Up to `upto` everything is accepted or in `rejected` (None: nothing is yet). `suspects` were refused after that.
    `kept_because` is the sink's reason for keeping the rest. `sends` counts the calls of the sink.
    """

    def __init__(self, send: Send, limit: int) -> None:
        self._sink_send = send
        self._limit = limit
        self._suspected: dict[int, Record] = {}
        self.sends = 0
        self.upto: int | None = None
        self.accepted = 0
        self.rejected: list[Rejection] = []
        self.suspects: list[Rejection] = []
        self.kept_because: str | None = None

    @property
    def sink_is_to_blame(self) -> bool:
        return len(self.suspects) >= MOST_SUSPECTS

    async def offer(self, batch: Sequence[Record]) -> None:
        """Offer every record in order until the sink keeps some for later or refuses too many. Raises what the sink
        raises, except BatchRefused.
        """
        waiting = [batch]
        while waiting and self.kept_because is None and not self.sink_is_to_blame:
            part = waiting.pop()
            if len(part) > self._limit:
                waiting += [part[self._limit :], part[: self._limit]]
                continue
            try:
                delivery = await self._send(part)
            except BatchRefused as refusal:
                waiting += self._halves(part, refusal)
            else:
                await self._book(part, delivery)

    async def confirm(self, upto: int) -> None:
        """Offer the suspects up to that sequence number again, each alone: something else proves that the sink takes
        such records, so what it still refuses is rejected. Raises what the sink raises, except BatchRefused.
        """
        while self.suspects and self.suspects[0].seq <= upto:
            rejection = await self._refused_again(self._suspected[self.suspects[0].seq])
            self.upto = self.suspects.pop(0).seq
            if rejection is None:
                self.accepted += 1
            else:
                self.rejected.append(rejection)

    def _halves(self, part: Sequence[Record], refusal: BatchRefused) -> list[Sequence[Record]]:
        """The later half first, since the last is offered next."""
        if len(part) == 1:
            self._suspect(part, [Rejection(part[0].seq, str(refusal))])
            return []
        middle = len(part) // 2
        return [part[middle:], part[:middle]]

    def _suspect(self, part: Sequence[Record], refusals: Sequence[Rejection]) -> None:
        self._suspected |= {record.seq: record for record in part}
        self.suspects += refusals

    async def _book(self, part: Sequence[Record], delivery: Delivery) -> None:
        kept_from = delivery.keep_from
        decided = [record.seq for record in part if kept_from is None or record.seq < kept_from]
        refused = {rejection.seq: rejection for rejection in delivery.rejected}
        refusals = [refused[seq] for seq in decided if seq in refused]
        if len(refusals) == len(decided):
            self._suspect(part, refusals)
        else:
            await self.confirm(upto=part[0].seq)
            self.accepted += len(decided) - len(refusals)
            self.rejected += refusals
            self.upto = decided[-1]
        if len(decided) < len(part):
            self.kept_because = delivery.because or "the sink keeps the rest for later"

    async def _refused_again(self, record: Record) -> Rejection | None:
        """The last refusal, or None if the sink takes the record after all."""
        rejection = None
        for _ in range(_TIMES_AGAIN):
            rejection = await self._refusal(record)
            if rejection is None:
                break
        return rejection

    async def _refusal(self, record: Record) -> Rejection | None:
        try:
            delivery = await self._send([record])
        except BatchRefused as refusal:
            return Rejection(record.seq, str(refusal))
        if delivery.keep_from is not None and delivery.keep_from <= record.seq:
            raise SinkUnavailable(delivery.because or "the sink keeps the record for later")
        return next((rejection for rejection in delivery.rejected if rejection.seq == record.seq), None)

    async def _send(self, part: Sequence[Record]) -> Delivery:
        self.sends += 1
        return await self._sink_send(part)
