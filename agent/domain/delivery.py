"""What the store hands out for delivery."""

from collections.abc import Sequence
from dataclasses import dataclass

from agent.domain.alarm import AlarmChange
from agent.domain.gateway_health import GatewayHealth
from agent.domain.reading import Gap, Rollup, StoredReading


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An entry that a sink refused before, to be offered again; `seq` is the dead letter's own number."""

    seq: int
    entry: StoredReading | AlarmChange | Gap | Rollup


Entry = StoredReading | AlarmChange | Gap | Rollup | GatewayHealth | DeadLetter


@dataclass(frozen=True, slots=True)
class Taken:
    """Entries of one lane by growing `seq`: the oldest there that are unsettled after sequence number `after`."""

    after: int
    entries: Sequence[Entry]
