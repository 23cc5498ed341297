"""Who may come in, and what they may do: as clients of a farm's Kafka meet it."""

import logging

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka.admin import AclOperation, AdminClient

from tests.services.secured_kafka import SecuredKafka

Settings = dict[str, str | float]


def by_password(kafka: SecuredKafka, user: str, password: str, listener: str = "SCRAM") -> Settings:
    return {
        "bootstrap.servers": kafka.at(listener),
        "security.protocol": kafka.protocols[listener],
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": user,
        "sasl.password": password,
    }


def by_certificate(kafka: SecuredKafka, user: str) -> Settings:
    certificate, key = kafka.certificate(user)
    return {
        "bootstrap.servers": kafka.at("MTLS"),
        "security.protocol": "SSL",
        "ssl.ca.location": str(kafka.ca),
        "ssl.certificate.location": str(certificate),
        "ssl.key.location": str(key),
    }


def deliver(settings: Settings, topic: str) -> int:
    """The code of the first error that a writer meets, or 0 when its record was taken.

    That the broker hangs up, or is slow to answer, is no answer: the writer goes on.
    """
    met: list[int] = []
    writer = Producer({"log_level": 0, "error_cb": lambda error: met.append(error.code()), **settings})
    writer.produce(topic, b"7.1", on_delivery=lambda error, _: met.append(error.code() if error else 0))
    for _ in range(300):
        writer.poll(0.1)
        if answers := [code for code in met if code not in (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN)]:
            writer.purge()
            return answers[0]
    raise AssertionError(f"no answer within 30 s, only errors {met}")


def test_a_user_may_write_only_where_an_acl_allows_it(secured_kafka: SecuredKafka) -> None:
    secured_kafka.create("hers", "his")
    secured_kafka.add_user("pond-1", "sesame")
    settings = by_password(secured_kafka, "pond-1", "sesame")
    assert deliver(settings, "hers") == KafkaError.TOPIC_AUTHORIZATION_FAILED
    secured_kafka.allow("pond-1", AclOperation.WRITE, "hers")
    assert deliver(settings, "hers") == 0
    assert deliver(settings, "his") == KafkaError.TOPIC_AUTHORIZATION_FAILED
    assert [record.value() for record in secured_kafka.records("hers")] == [b"7.1"]


def test_an_idempotent_writer_who_may_write_nowhere_is_done_for(secured_kafka: SecuredKafka) -> None:
    secured_kafka.add_user("pond-2", "sesame")
    settings = {"enable.idempotence": True, **by_password(secured_kafka, "pond-2", "sesame")}
    writer = Producer(settings, logger=logging.getLogger("unheard"))
    with pytest.raises(KafkaException) as met:
        for _ in range(200):
            writer.poll(0.1)
    assert (met.value.args[0].code(), met.value.args[0].fatal()) == (KafkaError.CLUSTER_AUTHORIZATION_FAILED, True)


def test_a_wrong_password_is_no_password(secured_kafka: SecuredKafka) -> None:
    secured_kafka.add_user("pond-3", "sesame")
    assert deliver(by_password(secured_kafka, "pond-3", "guess"), "any") == KafkaError._AUTHENTICATION


@pytest.mark.parametrize("listener", ["TLS", "SCRAM_TLS"])
def test_a_broker_of_another_authority_is_not_trusted(secured_kafka: SecuredKafka, listener: str) -> None:
    settings = by_password(secured_kafka, "pond-3", "sesame", listener)
    assert deliver(settings, "any") == KafkaError._SSL


def test_a_password_travels_over_tls(secured_kafka: SecuredKafka) -> None:
    secured_kafka.create("over-tls")
    secured_kafka.add_user("pond-4", "sesame")
    secured_kafka.allow("pond-4", AclOperation.WRITE, "over-tls")
    settings = by_password(secured_kafka, "pond-4", "sesame", "SCRAM_TLS")
    assert deliver(settings | {"ssl.ca.location": str(secured_kafka.ca)}, "over-tls") == 0


def test_a_certificate_is_a_user(secured_kafka: SecuredKafka) -> None:
    secured_kafka.create("by-certificate")
    secured_kafka.allow("pond-5", AclOperation.WRITE, "by-certificate")
    assert deliver(by_certificate(secured_kafka, "pond-5"), "by-certificate") == 0
    assert deliver(by_certificate(secured_kafka, "pond-6"), "by-certificate") != 0
    without = by_certificate(secured_kafka, "pond-5")
    del without["ssl.certificate.location"], without["ssl.key.location"]
    with pytest.raises(KafkaException):
        AdminClient({"log_level": 0, **without}).list_topics(timeout=3)
