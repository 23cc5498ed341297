"""One batch on its way into a sink, and who is to blame when it is refused.

A refusal is believed only when the sink takes a later record of the same stream: then it is the record that is bad.
Until then the refused records are suspects, nothing is decided about them, and they are offered again. So a fault of
the whole sink (a changed schema, a wrong endpoint) never sets a record aside, while a single bad record holds up its
neighbours no longer than it takes to find it by halving.
"""

from collections.abc import Awaitable, Callable, Sequence

from cloud_sync.contract.record import Record
from cloud_sync.uplink.interfaces import BatchRefused, BatchTooLarge, Delivery, Rejection

MOST_SUSPECTS = 16
"""So many refusals in a row, without one acceptance after them, speak against the sink."""

Send = Callable[[Sequence[Record]], Awaitable[Delivery]]


class Attempt:
    """Offers a batch in parts; what it has achieved can be read at any time, also after `offer` has raised.

    Up to `upto` everything is accepted or in `rejected` (None: nothing is yet). `suspects` were refused after that.
    `kept_because` is the sink's reason for keeping the rest. At most `limit` records are sent at once.
    """

    def __init__(self, send: Send, limit: int) -> None:
        self._send = send
        self._limit = limit
        self._largest = 0
        self._too_large = False
        self.upto: int | None = None
        self.accepted = 0
        self.rejected: list[Rejection] = []
        self.suspects: list[Rejection] = []
        self.kept_because: str | None = None

    @property
    def sink_is_to_blame(self) -> bool:
        return len(self.suspects) >= MOST_SUSPECTS

    @property
    def size_that_fits(self) -> int | None:
        """How many records went in at once, if more did not; otherwise None."""
        return self._largest or None if self._too_large else None

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
                self._book(part, delivery)

    def _halves(self, part: Sequence[Record], refusal: BatchRefused) -> list[Sequence[Record]]:
        """The later half first, since the last is offered next."""
        self._too_large |= isinstance(refusal, BatchTooLarge)
        if len(part) == 1:
            self.suspects.append(Rejection(part[0].seq, str(refusal)))
            return []
        middle = len(part) // 2
        return [part[middle:], part[:middle]]

    def _book(self, part: Sequence[Record], delivery: Delivery) -> None:
        kept_from = delivery.keep_from
        decided = [record.seq for record in part if kept_from is None or record.seq < kept_from]
        refused = {rejection.seq: rejection for rejection in delivery.rejected}
        refusals = [refused[seq] for seq in decided if seq in refused]
        self.suspects += refusals
        if len(refusals) < len(decided):
            self.accepted += len(decided) - len(refusals)
            self.upto = decided[-1]
            self._largest = max(self._largest, len(decided))
            self.rejected += self.suspects
            self.suspects = []
        if len(decided) < len(part):
            self.kept_because = delivery.because or "the sink keeps the rest for later"
