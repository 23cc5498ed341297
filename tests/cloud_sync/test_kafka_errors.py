"""Every error that librdkafka knows has been thought about."""

import pytest
from confluent_kafka import KafkaError, KafkaException

from agent.domain.errors import SinkMisconfigured, SinkUnavailable
from cloud_sync.uplink.breaker import Failure
from cloud_sync.uplink.interfaces import BatchRefused, BatchTooLarge, Delivery, TooSlow
from cloud_sync.uplink.kafka_errors import (
    _TABLE,
    FAILURES,
    OF_A_TOPIC,
    TIMED_OUT,
    TOO_LARGE,
    failure_of,
    fault_of,
)
from cloud_sync.uplink.kafka_writer import Writer
from cloud_sync.uplink.record_faults import AlreadyThere, Unexplained, judged
from tests.cloud_sync.things import records

_CODES = {
    name: getattr(KafkaError, name)
    for name in dir(KafkaError)
    if name.strip("_").isupper() and not name.startswith("__") and name != "NO_ERROR"
}
E = KafkaError


def test_every_code_has_a_class_of_its_own_and_none_has_two() -> None:
    placed = [name for names in _TABLE.values() for name in names.split()]
    assert len(_CODES) > 150
    assert sorted(_CODES) == sorted(placed)
    assert set(_CODES.values()) == set(FAILURES)


@pytest.mark.parametrize(
    ("code", "failure"),
    [
        (E._TRANSPORT, Failure.RETRIABLE), (E._ALL_BROKERS_DOWN, Failure.RETRIABLE), (E._RESOLVE, Failure.RETRIABLE),
        (E._MSG_TIMED_OUT, Failure.RETRIABLE), (E.NOT_LEADER_FOR_PARTITION, Failure.RETRIABLE),
        (E.NOT_ENOUGH_REPLICAS, Failure.RETRIABLE), (E.KAFKA_STORAGE_ERROR, Failure.RETRIABLE),
        (E.OUT_OF_ORDER_SEQUENCE_NUMBER, Failure.RETRIABLE), (E.THROTTLING_QUOTA_EXCEEDED, Failure.RETRIABLE),
        (E._PURGE_INFLIGHT, Failure.RETRIABLE),
        (E._AUTHENTICATION, Failure.NEEDS_A_PERSON), (E.SASL_AUTHENTICATION_FAILED, Failure.NEEDS_A_PERSON),
        (E.TOPIC_AUTHORIZATION_FAILED, Failure.NEEDS_A_PERSON), (E._UNKNOWN_TOPIC, Failure.NEEDS_A_PERSON),
        (E.CLUSTER_AUTHORIZATION_FAILED, Failure.NEEDS_A_PERSON), (E._INVALID_ARG, Failure.NEEDS_A_PERSON),
        (E.UNSUPPORTED_VERSION, Failure.NEEDS_A_PERSON), (E.INVALID_TIMESTAMP, Failure.NEEDS_A_PERSON),
        (E.MSG_SIZE_TOO_LARGE, Failure.POISON), (E.INVALID_RECORD, Failure.POISON),
        (E.UNKNOWN, Failure.UNKNOWN), (E.REBALANCE_IN_PROGRESS, Failure.UNKNOWN), (9_999, Failure.UNKNOWN),
    ],
)  # fmt: skip
def test_what_a_code_calls_for(code: int, failure: Failure) -> None:
    assert failure_of(KafkaError(code)) is failure


@pytest.mark.parametrize(
    ("reason", "failure"),
    [
        ("SSL handshake failed: certificate verify failed: self-signed certificate", Failure.NEEDS_A_PERSON),
        ("SSL handshake failed: ssl/tls alert bad certificate", Failure.NEEDS_A_PERSON),
        ("SSL handshake failed: tlsv1 alert protocol version", Failure.NEEDS_A_PERSON),
        ("SSL handshake failed: Disconnected", Failure.RETRIABLE),
        ("SSL handshake failed: SSL transport error: Connection reset by peer", Failure.RETRIABLE),
    ],
)
def test_a_handshake_that_breaks_off_is_not_the_certificates_fault(reason: str, failure: Failure) -> None:
    assert failure_of(KafkaError(E._SSL, reason)) is failure


def test_what_is_said_of_some_codes_besides_their_class_fits_it() -> None:
    assert {FAILURES[code] for code in OF_A_TOPIC} == {Failure.NEEDS_A_PERSON}
    assert {FAILURES[code] for code in TOO_LARGE} == {Failure.POISON}
    assert {FAILURES[code] for code in TIMED_OUT} == {Failure.RETRIABLE}


def outcome(**codes: int) -> Delivery:
    """Of records 1 to 6, of which `r3=code` failed."""
    faults = {int(name[1:]) - 1: fault_of(KafkaError(code), "Kafka") for name, code in codes.items()}
    return judged(records(1, 6), faults)


def test_what_has_no_error_is_accepted() -> None:
    assert outcome() == Delivery()


def test_one_bad_record_is_named_and_the_others_are_accepted() -> None:
    delivery = outcome(r3=E.INVALID_RECORD)
    assert [rejection.seq for rejection in delivery.rejected] == [3] and delivery.keep_from is None


def test_bad_records_that_may_have_drawn_others_with_them_are_not_named() -> None:
    with pytest.raises(BatchTooLarge):
        outcome(r3=E.MSG_SIZE_TOO_LARGE, r4=E.MSG_SIZE_TOO_LARGE)
    with pytest.raises(BatchRefused):
        outcome(r1=E._INVALID_DIFFERENT_RECORD, r4=E.INVALID_RECORD)
    with pytest.raises(BatchTooLarge):  # whatever else went wrong: what is innocent must not be set aside
        outcome(r1=E._MSG_TIMED_OUT, r3=E.MSG_SIZE_TOO_LARGE, r4=E.MSG_SIZE_TOO_LARGE)


def test_from_the_first_that_passes_by_itself_everything_is_kept() -> None:
    delivery = outcome(r2=E.INVALID_RECORD, r4=E._MSG_TIMED_OUT, r6=E._TRANSPORT)
    assert ([rejection.seq for rejection in delivery.rejected], delivery.keep_from) == ([2], 4)
    assert "Kafka: Local: Message timed out" in delivery.because
    assert outcome(r4=E._MSG_TIMED_OUT, r5=E.INVALID_RECORD).rejected == []


def test_nothing_arrived_in_order() -> None:
    with pytest.raises(TooSlow):
        outcome(r1=E._MSG_TIMED_OUT)
    with pytest.raises(SinkUnavailable):
        outcome(r1=E._TRANSPORT, r2=E._TRANSPORT)
    with pytest.raises(SinkMisconfigured):
        outcome(r1=E._AUTHENTICATION)


def test_what_nobody_expected_is_told_as_it_is() -> None:
    with pytest.raises(Unexplained):
        outcome(r5=E.REBALANCE_IN_PROGRESS)


def test_a_forbidden_topic_refuses_every_record_or_keeps_some() -> None:
    everyone = {f"r{n}": E.TOPIC_AUTHORIZATION_FAILED for n in range(1, 7)}
    delivery = outcome(**everyone)
    assert [rejection.seq for rejection in delivery.rejected] == [1, 2, 3, 4, 5, 6]
    del everyone["r1"]  # forbidden while it was written to: nobody is set aside for that
    assert (outcome(**everyone).rejected, outcome(**everyone).keep_from) == ([], 2)


def test_what_is_there_is_remembered_until_it_was_offered_again() -> None:
    there, batch = AlreadyThere(), records(1, 4)
    assert there.missing(batch) == [0, 1, 2, 3]
    assert there.judged(batch, {1: fault_of(KafkaError(E._MSG_TIMED_OUT), "Kafka")}).keep_from == 2
    assert there.missing(batch) == [1]
    there.judged(batch[1:3], {})
    assert there.missing(batch) == [1, 2]
    there.judged(batch, {})
    assert there.missing(batch) == [0, 1, 2, 3]


def test_a_topic_that_is_forbidden_later_sets_nothing_aside_that_came_with_what_is_there() -> None:
    there, batch = AlreadyThere(), records(1, 4)
    there.learn(batch[2:], {})
    forbidden = fault_of(KafkaError(E.TOPIC_AUTHORIZATION_FAILED), "Kafka")
    delivery = there.judged(batch, dict.fromkeys(there.missing(batch), forbidden))
    assert [rejection.seq for rejection in delivery.rejected] == [1, 2, 3, 4]
    assert there.missing(batch) == [0, 1]


def test_a_producer_that_is_done_for_is_closed_like_any_other() -> None:
    class DoneFor:
        def __init__(self) -> None:
            self.asked: list[str] = []

        def purge(self) -> None:
            self.asked.append("purge")

        def flush(self, within_s: float) -> int:
            self.asked.append("flush")
            raise KafkaException(KafkaError(KafkaError.CLUSTER_AUTHORIZATION_FAILED, "no id", True))

        def __len__(self) -> int:
            return 0

    writer, producer = Writer({"bootstrap.servers": "127.0.0.1:1"}, "Kafka", 1.0, str), DoneFor()
    writer._producer = producer  # type: ignore[assignment]
    writer.close()
    assert producer.asked == ["purge", "flush"]
