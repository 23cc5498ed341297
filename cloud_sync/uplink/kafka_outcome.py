"""What became of the records of one send, out of the errors that librdkafka reported for some of them."""

from collections.abc import Mapping, Sequence

from confluent_kafka import KafkaError, KafkaException

from agent.domain.errors import SinkMisconfigured, SinkUnavailable
from cloud_sync.contract.record import Identity, Record, identity
from cloud_sync.uplink.breaker import Failure
from cloud_sync.uplink.interfaces import BatchRefused, BatchTooLarge, Delivery, Rejection, TooSlow
from cloud_sync.uplink.kafka_errors import OF_A_TOPIC, TIMED_OUT, TOO_LARGE, failure_of

_MOST_REMEMBERED = 20_000


def judged(where: str, batch: Sequence[Record], errors: Mapping[int, KafkaError]) -> Delivery:
    """`errors` by the place of the record in `batch`; a record without one is at the brokers for good.

    Raises what `Sink.send` raises, and KafkaException for an error that nobody expected.

    A whole topic's trouble (missing, forbidden) refuses each record by name, if it refuses them all: the forwarder
    then puts off that lane alone, tells why, and sets nothing aside, since nothing proves the records bad.
    """
    if not errors:
        return Delivery()
    kinds = {index: failure_of(error) for index, error in sorted(errors.items())}
    reasons = {index: f"{where}, {batch[index].topic}: {error.str()}" for index, error in errors.items()}
    if len(errors) == len(batch) and all(error.code() in OF_A_TOPIC for error in errors.values()):
        return Delivery([Rejection(batch[index].seq, reasons[index]) for index in kinds])
    poison = [index for index, kind in kinds.items() if kind is Failure.POISON]
    if len(poison) > 1:  # a broker refuses all that came to a partition together, and does not say which it is
        size = any(errors[index].code() in TOO_LARGE for index in poison)
        raise (BatchTooLarge if size else BatchRefused)(reasons[poison[0]])
    kept = [index for index, kind in kinds.items() if kind is not Failure.POISON]
    if not kept:
        return Delivery([Rejection(batch[poison[0]].seq, reasons[poison[0]])])
    _raise_what_is_unknown(kinds, errors)
    if kept[0] == 0:
        raise _trouble(kinds[0], errors[0], reasons[0])
    rejected = [Rejection(batch[index].seq, reasons[index]) for index in poison if index < kept[0]]
    return Delivery(rejected, batch[kept[0]].seq, reasons[kept[0]])


def _raise_what_is_unknown(kinds: Mapping[int, Failure], errors: Mapping[int, KafkaError]) -> None:
    for index, kind in kinds.items():
        if kind is Failure.UNKNOWN:
            raise KafkaException(errors[index])


def _trouble(kind: Failure, error: KafkaError, reason: str) -> SinkUnavailable | SinkMisconfigured:
    if kind is Failure.NEEDS_A_PERSON:
        return SinkMisconfigured(reason)
    return (TooSlow if error.code() in TIMED_OUT else SinkUnavailable)(reason)


class AlreadyThere:
    """The records of sends that failed in part which are at the brokers nevertheless.

    Partitions fail one by one: without this memory, one that has no leader would have all the others written again
    with every attempt. It is lost with the process; then a record may be there twice, as its identity shows.
    """

    def __init__(self) -> None:
        self._there: set[tuple[str, Identity]] = set()

    def __contains__(self, record: Record) -> bool:
        return bool(self._there) and (record.topic, identity(record.body)) in self._there

    def learn(self, batch: Sequence[Record], failed: Mapping[int, KafkaError]) -> None:
        """Of this batch all but the `failed` are there."""
        if len(self._there) > _MOST_REMEMBERED:  # of what was never offered again
            self._there.clear()
        good = [record for index, record in enumerate(batch) if index not in failed]
        self._there |= {(record.topic, identity(record.body)) for record in good}

    def forget(self, batch: Sequence[Record]) -> None:
        """It is not offered again."""
        if self._there:
            self._there -= {(record.topic, identity(record.body)) for record in batch}
