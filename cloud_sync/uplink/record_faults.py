"""What came of a send in which every record has a fate of its own, as Kafka gives it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agent.domain.errors import SinkMisconfigured, SinkUnavailable
from cloud_sync.contract.record import Identity, Record, identity
from cloud_sync.uplink.breaker import Failure
from cloud_sync.uplink.interfaces import BatchRefused, BatchTooLarge, Delivery, Rejection, TooSlow

_MOST_REMEMBERED = 20_000


class Unexplained(Exception):
    """A fault that is in no table; the forwarder retries, and tells a person when it does not end."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why one record did not arrive. `of_topic`: the topic's trouble, and the others' not; `too_large` and `too_slow`
    ask for smaller batches.
    """

    failure: Failure
    because: str
    of_topic: bool = False
    too_large: bool = False
    too_slow: bool = False


def judged(batch: Sequence[Record], faults: Mapping[int, Fault]) -> Delivery:
    """`faults` by the place of the record in `batch`; a record without one has arrived for good.

    Raises what `Sink.send` raises, and Unexplained.

    A topic's trouble (missing, forbidden) refuses every record by name, if it refuses them all: the forwarder then puts
    off that lane alone, tells why, and sets nothing aside, since nothing proves the records bad.
    """
    if not faults:
        return Delivery()
    places = sorted(faults)
    if len(faults) == len(batch) and all(fault.of_topic for fault in faults.values()):
        return Delivery(_rejections(batch, faults, places))
    poison = [place for place in places if faults[place].failure is Failure.POISON]
    if len(poison) > 1:  # a broker refuses all that came to a partition together, and does not say which it is
        too_large = any(faults[place].too_large for place in poison)
        raise (BatchTooLarge if too_large else BatchRefused)(faults[poison[0]].because)
    kept = [place for place in places if faults[place].failure is not Failure.POISON]
    if not kept:
        return Delivery(_rejections(batch, faults, poison))
    for place in kept:
        if faults[place].failure is Failure.UNKNOWN:
            raise Unexplained(faults[place].because)
    if kept[0] == 0:
        raise _trouble(faults[0])
    before = [place for place in poison if place < kept[0]]
    return Delivery(_rejections(batch, faults, before), batch[kept[0]].seq, faults[kept[0]].because)


def _rejections(batch: Sequence[Record], faults: Mapping[int, Fault], places: Sequence[int]) -> list[Rejection]:
    return [Rejection(batch[place].seq, faults[place].because) for place in places]


def _trouble(fault: Fault) -> SinkUnavailable | SinkMisconfigured:
    if fault.failure is Failure.NEEDS_A_PERSON:
        return SinkMisconfigured(fault.because)
    return (TooSlow if fault.too_slow else SinkUnavailable)(fault.because)


class AlreadyThere:
    """The records of sends that failed in part which have arrived nevertheless.

    Partitions fail one by one: without this memory, one that has no leader would have all the others written again
    with every attempt. It is lost with the process; then a record may be there twice, as its identity shows.
    """

    def __init__(self) -> None:
        self._there: set[tuple[str, Identity]] = set()

    def missing(self, batch: Sequence[Record]) -> list[int]:
        """The places of the others."""
        if not self._there:
            return list(range(len(batch)))
        return [place for place, record in enumerate(batch) if _key(record) not in self._there]

    def learn(self, batch: Sequence[Record], faults: Mapping[int, Fault]) -> None:
        """Those without a fault are there."""
        if len(self._there) > _MOST_REMEMBERED:  # of what was never offered again
            self._there.clear()
        self._there.update(_key(record) for place, record in enumerate(batch) if place not in faults)

    def forget(self, batch: Sequence[Record]) -> None:
        """It is not offered again."""
        if self._there:
            self._there.difference_update(_key(record) for record in batch)

    def judged(self, batch: Sequence[Record], faults: Mapping[int, Fault]) -> Delivery:
        """As `judged`, which see, with what that means for this memory."""
        if faults and len(faults) == len(self.missing(batch)) and all(fault.of_topic for fault in faults.values()):
            # Those that came before the topic's trouble are no proof against the others.
            return judged(batch, dict.fromkeys(range(len(batch)), next(iter(faults.values()))))
        if faults:
            self.learn(batch, faults)
        delivery = judged(batch, faults)
        if delivery.keep_from is None:
            self.forget(batch)
        return delivery


def _key(record: Record) -> tuple[str, Identity]:
    return record.topic, identity(record.body)
