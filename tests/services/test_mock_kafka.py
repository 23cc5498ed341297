"""The mock brokers fail as they are told, and a real client sees it."""

import time
from collections.abc import Iterator

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer

from tests.services.mock_kafka import MockKafka, Request


class Writer:
    """A real producer; `outcome` is what became of one record."""

    def __init__(self, mock: MockKafka) -> None:
        self._producer = Producer(
            {
                "bootstrap.servers": mock.bootstrap,
                "log_level": 0,
                "linger.ms": 0,
                "retry.backoff.ms": 10,
                "retry.backoff.max.ms": 50,
                "reconnect.backoff.ms": 10,
                "reconnect.backoff.max.ms": 50,
                "message.timeout.ms": 3000,
            }
        )

    def outcome(self) -> int:
        """0, or the code of the error."""
        told: list[int] = []
        self._producer.produce(
            "readings", b"7.1", on_delivery=lambda error, _: told.append(error.code() if error else 0)
        )
        self._producer.flush(20)
        assert len(told) == 1
        return told[0]


@pytest.fixture
def writer(mock_kafka: MockKafka) -> Iterator[Writer]:
    mock_kafka.topic("readings", partitions=1)
    yield Writer(mock_kafka)


@pytest.mark.parametrize(
    "code", [KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.REQUEST_TIMED_OUT, KafkaError._TRANSPORT]
)
def test_errors_that_pass_are_passed_over_by_the_client(mock_kafka: MockKafka, writer: Writer, code: int) -> None:
    mock_kafka.fail(Request.PRODUCE, code, code)
    assert writer.outcome() == 0


@pytest.mark.parametrize(
    "code", [KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_RECORD, KafkaError.INVALID_TIMESTAMP]
)
def test_errors_that_stay_reach_the_writer_of_that_record_alone(
    mock_kafka: MockKafka, writer: Writer, code: int
) -> None:
    mock_kafka.fail(Request.PRODUCE, code)
    assert writer.outcome() == code
    assert writer.outcome() == 0


def test_a_forbidden_topic_is_refused_at_once_from_then_on(mock_kafka: MockKafka, writer: Writer) -> None:
    mock_kafka.fail(Request.PRODUCE, KafkaError.TOPIC_AUTHORIZATION_FAILED)
    assert writer.outcome() == KafkaError.TOPIC_AUTHORIZATION_FAILED
    with pytest.raises(KafkaException) as refused:
        writer.outcome()
    assert refused.value.args[0].code() == KafkaError.TOPIC_AUTHORIZATION_FAILED


def test_errors_not_yet_answered_can_be_taken_back(mock_kafka: MockKafka, writer: Writer) -> None:
    mock_kafka.fail(Request.PRODUCE, *[KafkaError.MSG_SIZE_TOO_LARGE] * 5)
    mock_kafka.heal(Request.PRODUCE)
    assert writer.outcome() == 0


def test_a_topic_can_be_forbidden(mock_kafka: MockKafka, writer: Writer) -> None:
    mock_kafka.topic_error("readings", KafkaError.TOPIC_AUTHORIZATION_FAILED)
    assert writer.outcome() == KafkaError.TOPIC_AUTHORIZATION_FAILED


def test_a_record_waits_for_a_broker_that_is_down_until_its_time_is_up(mock_kafka: MockKafka, writer: Writer) -> None:
    mock_kafka.leader("readings", 0, 2)
    mock_kafka.down(2)
    assert writer.outcome() == KafkaError._MSG_TIMED_OUT
    mock_kafka.up(2)
    assert writer.outcome() == 0


def test_a_partition_moves_to_another_broker(mock_kafka: MockKafka, writer: Writer) -> None:
    mock_kafka.leader("readings", 0, 2)
    assert writer.outcome() == 0
    mock_kafka.leader("readings", 0, 3)
    mock_kafka.down(2)
    assert writer.outcome() == 0


def test_an_answer_takes_its_time(mock_kafka: MockKafka, writer: Writer) -> None:
    mock_kafka.leader("readings", 0, 1)
    assert writer.outcome() == 0
    mock_kafka.rtt(400)
    began = time.monotonic()
    assert writer.outcome() == 0
    assert time.monotonic() - began >= 0.4


def test_the_mock_says_what_it_cannot_do(mock_kafka: MockKafka) -> None:
    with pytest.raises(KafkaException):
        mock_kafka.down(7)
