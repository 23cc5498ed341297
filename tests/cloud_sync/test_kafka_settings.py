"""What may stand in a Kafka sink's table."""

import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from agent.domain.secret import Secret
from cloud_sync.uplink import sink_class
from cloud_sync.uplink.kafka import KafkaSink
from cloud_sync.uplink.kafka_rest import KafkaRestSettings
from cloud_sync.uplink.kafka_settings import KafkaSettings

SECRET = Secret("hush-hush", "FILE")
LEAST: dict[str, Any] = {
    "bootstrap_servers": "kafka-1.example.com:9093",
    "registry_url": "https://registry.example.com/",
}
REST: dict[str, Any] = {"url": "https://proxy.example.com/", "registry_url": "https://registry.example.com/"}
FILE = Path("file.pem")


@pytest.mark.parametrize(
    ("keys", "because"),
    [
        ({"bootstrap_servers": "kafka-1.example.com"}, "bootstrap_servers must be host:port"),
        ({"bootstrap_servers": "kafka-1:9093,"}, "bootstrap_servers must be host:port"),
        ({"bootstrap_servers": "kafka-1:70000"}, "bootstrap_servers must be host:port"),
        ({"registry_url": None}, "registry_url is missing"),
        ({"registry_url": "http://registry.example.com/"}, "unencrypted"),
        ({"registry_user": "pond"}, "registry_user and registry_password go together"),
        ({"registry_user": "pond", "registry_password": SECRET, "registry_token": SECRET}, "choose one"),
        ({"user": "pond"}, "user needs password"),
        ({"password": SECRET}, "password needs user"),
        ({"cert_file": FILE}, "cert_file needs key_file"),
        ({"token_url": "https://id.example.com/", "client_id": "pond"}, "token_url and client_id needs client_secret"),
        ({"user": "pond", "password": SECRET, "token_file": FILE}, "user and token_file are two ways"),
        ({"tls": False, "ca_file": FILE}, "tls = false goes with neither ca_file nor cert_file"),
        ({"tls": False, "token_file": FILE}, "would send a password or token unencrypted"),
        (
            {"tls": False, "user": "pond", "password": SECRET, "sasl_mechanism": "PLAIN"},
            "would send a password or token unencrypted",
        ),
        ({"timeout_s": 0}, "timeout_s"), ({"linger_s": 61}, "linger_s"), ({"batch": 5001}, "batch"),
    ],
)  # fmt: skip
def test_a_table_that_cannot_serve(keys: dict[str, Any], because: str) -> None:
    with pytest.raises(ValueError, match=because) as refused:
        KafkaSettings(**LEAST | keys)
    assert SECRET.reveal() not in str(refused.value)


@pytest.mark.parametrize(
    "keys",
    [
        {}, {"user": "pond", "password": SECRET}, {"user": "pond", "password": SECRET, "tls": False},
        {"user": "pond", "password": SECRET, "sasl_mechanism": "PLAIN"},
        {"user": "pond", "password": SECRET, "sasl_mechanism": "SCRAM-SHA-256"},
        {"token_url": "https://id.example.com/", "client_id": "pond", "client_secret": SECRET, "token_scope": "all"},
        {"bootstrap_servers": "[::1]:9092, 127.0.0.1:9092", "tls": False, "token_file": FILE},
    ],
)  # fmt: skip
def test_a_table_that_can_serve_is_one_that_the_client_library_takes(keys: dict[str, Any]) -> None:
    settings = KafkaSettings(**LEAST | keys)
    told = settings.librdkafka("farm-1")
    assert told["enable.idempotence"] is True and told["acks"] == "all"
    assert told["queue.buffering.max.messages"] == settings.batch
    assert told["security.protocol"].endswith("SSL") is settings.tls
    if "token_url" not in keys and "token_file" not in keys:
        Producer({**told, "bootstrap.servers": "127.0.0.1:1", "log_level": 0})


def test_secrets_are_taken_out_of_what_is_told() -> None:
    settings = KafkaSettings(**LEAST, user="pond", password=SECRET)
    assert settings.without_secrets("wrong password hush-hush for pond") == "wrong password *** for pond"
    assert SECRET.reveal() not in repr(settings)


@pytest.mark.parametrize(
    ("keys", "because"),
    [
        ({"url": "http://proxy.example.com/"}, "unencrypted"),
        ({"url": "https://user:word@proxy.example.com/"}, "must not hold a user or password"),
        ({"registry_url": None}, "registry_url is missing"),
        ({"dialect": "v3"}, "cluster_id and dialect v3 go together"),
        ({"cluster_id": "lkc-7"}, "cluster_id and dialect v3 go together"),
        ({"user": "pond"}, "user and password go together"),
        ({"user": "pond", "password": SECRET, "token": SECRET}, "choose one"),
        ({"token": Secret("hush\nhush", "FILE")}, "token from FILE has"),
        ({"timeout_s": 0}, "timeout_s"), ({"linger_s": -1}, "linger_s"), ({"batch": 0}, "batch"),
    ],
)  # fmt: skip
def test_a_proxys_table_that_cannot_serve(keys: dict[str, Any], because: str) -> None:
    with pytest.raises(ValueError, match=because):
        KafkaRestSettings(**REST | keys)


def test_json_by_a_proxy_needs_no_registry() -> None:
    assert KafkaRestSettings(url="https://proxy.example.com/", format="json")


def test_the_client_library_is_imported_for_this_sink_alone() -> None:
    script = """
import sys
from cloud_sync.uplink import sink_class
for kind in ("archive", "http", "kafka-rest"):
    sink_class(kind)
print("confluent_kafka" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(("machine", "told"), [("armv7l", "32-bit ARM"), ("aarch64", "")])
def test_a_missing_client_library_names_what_helps(monkeypatch: pytest.MonkeyPatch, machine: str, told: str) -> None:
    for name in [name for name in sys.modules if name.startswith("cloud_sync.uplink.kafka")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    with pytest.raises(
        ValueError, match=r"needs the library 'confluent_kafka': pip install aquacontrol-gateway\[kafka\]"
    ) as missing:
        sink_class("kafka")
    assert told in str(missing.value) and ("kafka-rest" in str(missing.value)) is bool(told)


def test_the_gateway_is_the_client() -> None:
    assert KafkaSettings(**LEAST).librdkafka("farm-1")["client.id"] == "farm-1"
    assert KafkaSink(KafkaSettings(**LEAST), "farm-1").batching.limit == 2000
