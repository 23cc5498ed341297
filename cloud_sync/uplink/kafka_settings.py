"""The keys of a Kafka sink, and what librdkafka is told for them."""

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from agent.domain.errors import SinkMisconfigured
from agent.domain.secret import Secret
from cloud_sync.contract.web import is_this_machine
from cloud_sync.uplink.encoders import RegistryKeys
from cloud_sync.uplink.interfaces import check_batching
from cloud_sync.uplink.kafka_tokens import read_token

_QUEUE_KBYTES = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSettings(RegistryKeys):
    """`bootstrap_servers` are host:port, separated by commas; `registry_url` is the schema registry's, where the
    topics' schemas are registered already (`registry_user` and `registry_password`, or a `registry_token`;
    `registry_ca_file`).

    The connection is encrypted and the brokers' certificates are always verified, against `ca_file` (PEM) if given,
    else against the usual authorities; `tls = false` is for a network that is itself protected. Who we are is told in
    one way at most: `user` and `password` by `sasl_mechanism`; `cert_file` and `key_file` (PEM, with `key_password`);
    a `token_file`, read anew for each token; or `client_id` and `client_secret` for a token from `token_url` (OIDC).

    A send may take `timeout_s`. Readings wait up to `linger_s` seconds for company, at most `batch` of them.
    """

    bootstrap_servers: str
    tls: bool = True
    ca_file: Path | None = None
    sasl_mechanism: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"] = "SCRAM-SHA-512"
    user: str | None = None
    password: Secret | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    key_password: Secret | None = None
    token_file: Path | None = None
    token_url: str | None = None
    client_id: str | None = None
    client_secret: Secret | None = None
    token_scope: str | None = None
    timeout_s: float = 30.0
    linger_s: float = 5.0
    batch: int = 2000

    def __post_init__(self) -> None:
        servers = [server.strip() for server in self.bootstrap_servers.split(",")]
        if not all(_is_a_server(server) for server in servers):
            raise ValueError(
                'bootstrap_servers must be host:port, several of them with commas: "kafka-1:9093,kafka-2:9093"'
            )
        self._check_pairs()
        ways = [name for name in ("user", "cert_file", "token_file", "token_url") if getattr(self, name) is not None]
        if len(ways) > 1:
            raise ValueError(f"{' and '.join(ways)} are two ways to say who we are; choose one")
        here = all(is_this_machine(server.rpartition(":")[0].strip("[]")) for server in servers)
        if not self.tls and (self.ca_file or self.cert_file):
            raise ValueError("tls = false goes with neither ca_file nor cert_file")
        if not self.tls and not here and (self.token_file or self.token_url or self._sends_password):
            raise ValueError("tls = false would send a password or token unencrypted; use tls, or a SCRAM mechanism")
        if not 0 < self.timeout_s <= 300:
            raise ValueError(f"timeout_s must be above 0 and at most 300 seconds, not {self.timeout_s}")
        check_batching(self.linger_s, self.batch)
        self.registry()

    def check_files(self) -> None:
        """Raises SinkMisconfigured, naming the key, for a file that cannot be read: librdkafka would not say which."""
        if self.token_file is not None:
            read_token(self.token_file)
        for key in ("ca_file", "cert_file", "key_file"):
            file: Path | None = getattr(self, key)
            try:
                if file is not None:
                    file.read_bytes()
            except OSError as error:
                raise SinkMisconfigured(f"{key} {file}: {error.strerror}") from error

    def without_secrets(self, text: str) -> str:
        """Also without what HTTP makes of them: an issuer of tokens may quote what it was sent."""
        for secret in (self.password, self.key_password, self.client_secret):
            if secret is not None and (word := secret.reveal()):
                login = base64.b64encode(f"{self.client_id}:{word}".encode()).decode()
                text = text.replace(word, "***").replace(login, "***")
        return text

    def librdkafka(self, gateway: str) -> dict[str, Any]:
        """Its settings, but for callbacks. A batch is the most it ever holds: what is not on its way stays in the ring
        buffer. It gives up a little later than we do.
        """
        milliseconds = round(self.timeout_s * 1000)
        return {
            "bootstrap.servers": self.bootstrap_servers,
            "client.id": gateway,
            "acks": "all",
            "enable.idempotence": True,
            "partitioner": "murmur2_random",  # as Java's clients: one key, one partition, whoever writes it
            "compression.type": "zstd",
            # Until the batch is complete; then nothing waits. So all that goes to a partition goes there at once, and
            # what is refused together leaves nothing behind that came after it.
            "linger.ms": milliseconds + 4000,
            "queue.buffering.max.messages": self.batch,
            "queue.buffering.max.kbytes": _QUEUE_KBYTES,
            "message.timeout.ms": milliseconds + 5000,
            "request.timeout.ms": milliseconds,
            "topic.metadata.propagation.max.ms": min(5000, milliseconds // 2),
            "retry.backoff.ms": 100,
            "reconnect.backoff.ms": 100,
            "reconnect.backoff.max.ms": 2000,
            "socket.keepalive.enable": True,
            "statistics.interval.ms": 1000,
            "delivery.report.only.error": True,
            **self._security(),
        }

    def _security(self) -> dict[str, Any]:
        sasl = self._sasl()
        protocol = ("SASL_" if sasl else "") + ("SSL" if self.tls else "PLAINTEXT")
        settings = {"security.protocol": protocol, **sasl}
        if self.ca_file is not None:
            settings["ssl.ca.location"] = str(self.ca_file)
        if self.cert_file is not None:
            settings |= {"ssl.certificate.location": str(self.cert_file), "ssl.key.location": str(self.key_file)}
        if self.key_password is not None:
            settings["ssl.key.password"] = self.key_password.reveal()
        return settings

    def _sasl(self) -> dict[str, Any]:
        if self.user is not None and self.password is not None:
            return {
                "sasl.mechanism": self.sasl_mechanism,
                "sasl.username": self.user,
                "sasl.password": self.password.reveal(),
            }
        if self.token_url is not None and self.client_secret is not None:
            return {
                "sasl.mechanism": "OAUTHBEARER",
                "sasl.oauthbearer.method": "oidc",
                "sasl.oauthbearer.token.endpoint.url": self.token_url,
                "sasl.oauthbearer.client.id": self.client_id,
                "sasl.oauthbearer.client.secret": self.client_secret.reveal(),
                **({} if self.token_scope is None else {"sasl.oauthbearer.scope": self.token_scope}),
            }
        return {"sasl.mechanism": "OAUTHBEARER"} if self.token_file is not None else {}

    @property
    def _sends_password(self) -> bool:
        return self.user is not None and self.sasl_mechanism == "PLAIN"

    def _check_pairs(self) -> None:
        for names in (("user", "password"), ("cert_file", "key_file"), ("token_url", "client_id", "client_secret")):
            given = [name for name in names if getattr(self, name) is not None]
            if given and len(given) < len(names):
                missing = " and ".join(name for name in names if name not in given)
                raise ValueError(f"{' and '.join(given)} needs {missing}")


def _is_a_server(server: str) -> bool:
    host, colon, port = server.rpartition(":")
    return bool(host and colon and port.isascii() and port.isdigit() and 0 < int(port) < 65_536)
