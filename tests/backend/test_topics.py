"""`aqua-backend topics` on a real cluster."""

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, Producer

from cloud_sync.backend.__main__ import main
from cloud_sync.backend.topics.cluster import Cluster, ClusterError
from cloud_sync.contract.topics import SENSOR_ALERTS, SENSOR_READINGS, SENSOR_READINGS_DLQ, TOPICS, Topic
from tests.services.fixtures import serve
from tests.services.kafka import Kafka
from tests.services.secured_kafka import SecuredKafka


@pytest.fixture(scope="module")
def own_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """The topics of this test are the real ones, which others may want in other ways."""
    yield from serve(Kafka, tmp_path_factory.mktemp("topics"))


def topics(command: str, kafka: Kafka, replication: int = 1) -> int:
    return main(["topics", command, "--bootstrap", kafka.bootstrap, "--replication", str(replication)])


def test_topics_are_made_and_set_right_and_then_left_alone(
    own_kafka: Kafka, capsys: pytest.CaptureFixture[str]
) -> None:
    own_kafka.create(SENSOR_READINGS, partitions=3, config={"retention.ms": "604800000", "cleanup.policy": "compact"})
    own_kafka.create(SENSOR_ALERTS, partitions=24)
    own_kafka.create("somebody-elses", config={"retention.ms": "1000"})

    assert topics("check", own_kafka) == 1
    told = capsys.readouterr().out.splitlines()
    assert f"{SENSOR_READINGS_DLQ}: is missing" in told
    assert f"{SENSOR_READINGS}: partitions are 3 and should be 12" in told
    assert f"{SENSOR_READINGS}: retention.ms is 604800000 and should be 2592000000" in told
    assert not any("somebody" in line or "are 24" in line for line in told)

    assert topics("apply", own_kafka) == 0
    told = capsys.readouterr().out.splitlines()
    assert f"{SENSOR_READINGS_DLQ}: made, partitions: 12, replicas: 1" in told
    assert f"{SENSOR_READINGS}: cleanup.policy set to delete, it was compact" in told
    assert any(line.startswith(f"{SENSOR_READINGS}: 12 partitions, there were 3") for line in told)

    for command in ("apply", "check"):
        assert topics(command, own_kafka) == 0
        assert capsys.readouterr().out == f"{len(TOPICS)} topics are as they should be\n"
    there = own_kafka.admin().list_topics(timeout=10).topics
    assert len(there[SENSOR_ALERTS].partitions) == 24
    assert "somebody-elses" in there

    # Asked for more than there is: nothing that would stop the writing, and nothing said to be done that is not.
    for command in ("check", "apply"):
        assert topics(command, own_kafka, replication=3) == 1
        told = capsys.readouterr().out.splitlines()
        assert len(told) == len(TOPICS)
        assert all("replicas are" in line and "should be 3" in line for line in told)
    assert topics("check", own_kafka) == 0


def test_what_two_do_at_once_is_done_once(own_kafka: Kafka) -> None:
    cluster = Cluster({"bootstrap.servers": own_kafka.bootstrap}, 1)
    topic = Topic("twice", "sensor_id", timedelta(days=1))
    missing = cluster.differences([topic])
    assert len([done for difference in missing * 2 for done in cluster.mend(difference)]) == 1


def test_old_and_future_readings_are_taken_and_count_as_new(own_kafka: Kafka) -> None:
    """A backlog of six weeks, and a clock that is a day ahead."""
    topic = Topic("any-time", "sensor_id", timedelta(days=30), partitions=1)
    cluster = Cluster({"bootstrap.servers": own_kafka.bootstrap}, 1)
    for difference in cluster.differences([topic]):
        list(cluster.mend(difference))
    now_ms = time.time_ns() // 1_000_000
    lost: list[object] = []
    writer = Producer({"bootstrap.servers": own_kafka.bootstrap, "compression.type": "zstd"})
    for days in (-42, 1):
        writer.produce(
            topic.name, b"7.1", timestamp=now_ms + days * 86_400_000, on_delivery=lambda error, _: lost.append(error)
        )
    assert writer.flush(20) == 0
    assert lost == [None, None]
    found = [record.timestamp() for record in own_kafka.records(topic.name)]
    assert [kind for kind, _ in found] == [TIMESTAMP_LOG_APPEND_TIME] * 2
    assert all(abs(stamp - now_ms) < 60_000 for _, stamp in found)


def test_the_largest_poison_record_fits_into_the_dead_letters() -> None:
    largest = {topic.name: topic.largest_batch for topic in TOPICS}
    assert (
        largest[SENSOR_READINGS_DLQ]
        > max(size for name, size in largest.items() if name != SENSOR_READINGS_DLQ) + 100_000
    )


@pytest.mark.parametrize(("replication", "least"), [(1, "1"), (2, "1"), (3, "2")])
def test_one_replica_may_be_away(replication: int, least: str) -> None:
    assert TOPICS[0].config(replication)["min.insync.replicas"] == least


def test_one_broker_cannot_keep_three_replicas(own_kafka: Kafka) -> None:
    cluster = Cluster({"bootstrap.servers": own_kafka.bootstrap}, 3)
    with pytest.raises(ClusterError, match="give --replication 1 where there is one broker"):
        list(cluster.mend(cluster.differences([Topic("too-many", "sensor_id", timedelta(days=1))])[0]))


def test_who_we_are_comes_from_a_file(
    secured_kafka: SecuredKafka, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secured_kafka.add_user("keeper", "sesame")
    properties = tmp_path / "kafka.properties"
    lines = ["# who we are", "", "security.protocol = SASL_SSL", "sasl.mechanism=SCRAM-SHA-512", "sasl.username=keeper"]
    lines += [f"ssl.ca.location={secured_kafka.ca}"]
    arguments = ["topics", "check", "--bootstrap", secured_kafka.at("SCRAM_TLS"), "--security-file", str(properties)]

    properties.write_text("\n".join([*lines, "sasl.password=sesame"]))
    assert main(arguments) == 1
    assert "is missing" in capsys.readouterr().out

    properties.write_text("\n".join([*lines, "sasl.password=guess"]))
    assert main(arguments) == 1
    told = capsys.readouterr()
    assert "Authentication failed" in told.err
    assert "guess" not in told.err + told.out


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("sasl.password", "line 1: write name=value"),
        ("# all\n=hush", "line 2: write name=value"),
        ("sasl.passwort=hush", 'No such configuration property: "sasl.passwort"'),
        ("", "is empty"),
    ],
)
def test_a_mistake_in_the_file_is_told_without_its_secrets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, complaint: str
) -> None:
    properties = tmp_path / "kafka.properties"
    properties.write_text(text)
    assert main(["topics", "check", "--bootstrap", "127.0.0.1:1", "--security-file", str(properties)]) == 1
    told = capsys.readouterr().err
    assert complaint in told
    assert "hush" not in told


def test_kafka_has_to_be_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AQUA_KAFKA_BOOTSTRAP", raising=False)
    assert main(["topics", "check"]) == 1
    assert "Give --bootstrap HOST:PORT, or set AQUA_KAFKA_BOOTSTRAP" in capsys.readouterr().err
    for replication in ("0", "many"):
        with pytest.raises(SystemExit, match="2"):
            main(["topics", "check", "--replication", replication])


def test_the_environment_says_the_same_as_options(
    own_kafka: Kafka, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AQUA_KAFKA_BOOTSTRAP", own_kafka.bootstrap)
    monkeypatch.setenv("AQUA_KAFKA_REPLICATION", "2")
    assert main(["topics", "check"]) == 1
    told = capsys.readouterr().out
    assert "replicas are 1 and should be 2" in told or f"{SENSOR_READINGS_DLQ}: is missing" in told
