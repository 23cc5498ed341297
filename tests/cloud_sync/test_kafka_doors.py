"""Every way to say who we are, to a real Kafka that asks; and what it says to those it does not know."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AclOperation, ScramMechanism

from agent.domain.errors import SinkMisconfigured, SinkUnavailable
from agent.domain.secret import Secret
from cloud_sync.contract.registry import Registry
from cloud_sync.uplink.interfaces import Delivery
from cloud_sync.uplink.kafka import KafkaSink
from tests.cloud_sync.things import GATEWAY, records
from tests.services.registry import Registry as RegistryService
from tests.services.secured_kafka import SecuredKafka

SESAME = Secret("sesame-sesame", "FILE")
TOPIC = "doors"


@pytest.fixture(scope="module")
def kafka(secured_kafka: SecuredKafka) -> SecuredKafka:
    secured_kafka.create(TOPIC)
    for user in ("pond", "pond-256", "pond-cert", "pond-token"):
        secured_kafka.allow(user, AclOperation.WRITE, TOPIC)
    secured_kafka.add_user("pond", SESAME.reveal())
    secured_kafka.add_user("pond-256", SESAME.reveal(), ScramMechanism.SCRAM_SHA_256)
    return secured_kafka


@pytest.fixture
def through(kafka: SecuredKafka, registry: RegistryService, monkeypatch: pytest.MonkeyPatch) -> "Through":
    monkeypatch.setattr(Registry, "id_of", lambda *_: 1)
    monkeypatch.setattr("cloud_sync.contract.encoding.schema", _schema_of_alerts_if_unknown())
    return Through(kafka, registry.url)


class Through:
    def __init__(self, kafka: SecuredKafka, registry_url: str) -> None:
        self.kafka = kafka
        self.registry_url = registry_url

    async def __call__(self, listener: str, topic: str = TOPIC, **settings: Any) -> Delivery:
        """One batch through that listener."""
        own = {"timeout_s": 5.0, "tls": self.kafka.protocols[listener].endswith("SSL")} | settings
        sink = KafkaSink(
            KafkaSink.Settings(bootstrap_servers=self.kafka.at(listener), registry_url=self.registry_url, **own),
            GATEWAY,
        )
        try:
            await sink.open()
            return await sink.send([record._replace(topic=topic) for record in records(1, 3)])
        finally:
            await sink.close()


def _schema_of_alerts_if_unknown() -> Any:
    from cloud_sync.contract.schemas import schema

    return lambda _: schema("sensor-readings")


async def test_by_password(through: Through) -> None:
    assert await through("SCRAM", user="pond", password=SESAME) == Delivery()
    assert await through("SCRAM_TLS", user="pond", password=SESAME, ca_file=through.kafka.ca) == Delivery()
    sha_256 = {"sasl_mechanism": "SCRAM-SHA-256", "user": "pond-256"}
    assert await through("SCRAM", password=SESAME, **sha_256) == Delivery()


async def test_a_wrong_password_is_told_at_once_and_not_shown(through: Through) -> None:
    began = time.monotonic()
    with pytest.raises(SinkMisconfigured, match=r"[Aa]uthentication") as refused:
        await through("SCRAM", user="pond", password=Secret("guessed-it", "FILE"), timeout_s=30.0)
    assert time.monotonic() - began < 10
    assert "guessed-it" not in str(refused.value)


async def test_a_mechanism_the_brokers_do_not_offer(through: Through) -> None:
    with pytest.raises(SinkMisconfigured, match="mechanism"):
        await through(
            "SCRAM_TLS", user="pond", password=SESAME, ca_file=through.kafka.ca, sasl_mechanism="SCRAM-SHA-256"
        )


async def test_by_certificate(through: Through) -> None:
    certificate, key = through.kafka.certificate("pond-cert")
    own: dict[str, Any] = {"cert_file": certificate, "key_file": key, "ca_file": through.kafka.ca}
    assert await through("MTLS", **own) == Delivery()


async def test_without_the_certificate_that_is_asked_for(through: Through) -> None:
    with pytest.raises((SinkMisconfigured, SinkUnavailable)):
        await through("MTLS", ca_file=through.kafka.ca, timeout_s=2.0)


async def test_brokers_of_an_unknown_authority_are_not_trusted(through: Through) -> None:
    with pytest.raises(SinkMisconfigured, match=r"certificate.*is the clock right, and ca_file the brokers'"):
        await through("TLS", timeout_s=30.0)


async def test_plain_words_to_brokers_that_speak_tls(through: Through) -> None:
    with pytest.raises((SinkUnavailable, SinkMisconfigured)):
        await through("TLS", tls=False, timeout_s=1.0)


async def test_a_certificate_file_that_is_not_there(through: Through, tmp_path: Path) -> None:
    with pytest.raises(SinkMisconfigured, match=r"ca_file .*/missing\.pem: No such file"):
        await through("TLS", ca_file=tmp_path / "missing.pem")


def token(user: str, seconds: float = 3600.0) -> str:
    """An unsigned JSON Web Token."""
    now = time.time()
    parts: list[dict[str, Any]] = [{"alg": "none"}, {"sub": user, "iat": now, "exp": now + seconds}]
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


async def test_by_a_token_from_a_file(through: Through, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(token("pond-token") + "\n")
    assert await through("TOKEN", token_file=file) == Delivery()


@pytest.mark.parametrize("text", [None, "", "no token at all", token("pond-token", -60)])
async def test_a_token_file_that_is_missing_or_no_token(through: Through, tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "token"
    if text is not None:
        file.write_text(text)
    with pytest.raises(SinkMisconfigured, match=r"token_file .*/token") as refused:
        await through("TOKEN", token_file=file, timeout_s=30.0)
    assert text is None or len(text) < 50 or text not in str(refused.value)


class Issuer:
    """Gives tokens to one client, by OAuth's client credentials."""

    def __init__(self) -> None:
        issuer = self
        self.asked: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                issuer.asked.append(self.headers["Authorization"] or "")
                right = issuer.asked[-1] == "Basic " + base64.b64encode(b"pond-1:sesame-sesame").decode()
                answer: dict[str, Any] = {"error": "invalid_client", "error_description": f"not {issuer.asked[-1]}"}
                if right:
                    answer = {"access_token": token("pond-token"), "token_type": "bearer", "expires_in": 3600}
                content = json.dumps(answer).encode()
                self.send_response(200 if right else 401)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/token"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    issuer = Issuer()
    yield issuer
    issuer.server.shutdown()
    issuer.server.server_close()


async def test_by_a_token_from_an_issuer(through: Through, issuer: Issuer) -> None:
    own: dict[str, Any] = {"token_url": issuer.url, "client_id": "pond-1", "client_secret": SESAME}
    assert await through("TOKEN", **own) == Delivery()


async def test_an_issuer_that_does_not_know_us(through: Through, issuer: Issuer) -> None:
    own: dict[str, Any] = {
        "token_url": issuer.url,
        "client_id": "pond-1",
        "client_secret": Secret("guessed-it", "FILE"),
    }
    with pytest.raises((SinkMisconfigured, SinkUnavailable)) as refused:
        await through("TOKEN", timeout_s=3.0, **own)
    assert "guessed-it" not in str(refused.value)
    assert base64.b64encode(b"pond-1:guessed-it").decode() not in str(refused.value)


async def test_a_topic_that_no_acl_allows_or_that_is_not_there(through: Through) -> None:
    through.kafka.create("not-ours")
    for topic in ("not-ours", "never-made"):
        delivery = await through("SCRAM", topic, user="pond", password=SESAME)
        assert [rejection.seq for rejection in delivery.rejected] == [1, 2, 3]
        assert f"{topic}: " in delivery.rejected[0].because
        assert "Broker: Topic authorization failed" in delivery.rejected[0].because
    delivery = await through("PLAINTEXT", "never-made")
    assert [rejection.seq for rejection in delivery.rejected] == [1, 2, 3]
    assert "nknown topic" in delivery.rejected[0].because


async def test_who_may_write_nowhere_is_told_so(through: Through) -> None:
    """The brokers refuse the producer, or its records: whichever question they answer first."""
    through.kafka.add_user("stranger", SESAME.reveal())
    try:
        delivery = await through("SCRAM", user="stranger", password=SESAME)
    except SinkMisconfigured as refused:
        told = [str(refused)]
    else:
        told = [rejection.because for rejection in delivery.rejected]
        assert len(told) == 3 and delivery.keep_from is None
    assert all("authorization failed" in because for because in told)
