"""Kafka that asks who you are: by password (SCRAM), by certificate (mTLS), and lets nobody do what no ACL allows."""

from pathlib import Path

import trustme
from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from tests.services.kafka import Kafka
from tests.services.service import HOST, free_port

_SECURITY = """\
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.scram.sasl.enabled.mechanisms=SCRAM-SHA-256,SCRAM-SHA-512
listener.name.token.sasl.enabled.mechanisms=OAUTHBEARER
listener.name.token.oauthbearer.sasl.jaas.config={tokens} required;
listener.name.token.oauthbearer.sasl.server.callback.handler.class={unsigned}
listener.name.detour.scram-sha-512.sasl.jaas.config={login} required;
listener.name.scram.scram-sha-256.sasl.jaas.config={login} required;
listener.name.scram.scram-sha-512.sasl.jaas.config={login} required;
listener.name.scram_tls.scram-sha-512.sasl.jaas.config={login} required;
ssl.keystore.type=PEM
ssl.keystore.location={folder}/broker.pem
ssl.truststore.type=PEM
ssl.truststore.location={folder}/ca.pem
listener.name.mtls.ssl.client.auth=required
listener.name.mtls.ssl.principal.mapping.rules=RULE:^.*CN=([^,]+).*$/$1/,DEFAULT
"""
_LOGIN = "org.apache.kafka.common.security.scram.ScramLoginModule"
_OAUTH = "org.apache.kafka.common.security.oauthbearer"
_TOKENS = f"{_OAUTH}.OAuthBearerLoginModule"
_UNSIGNED = f"{_OAUTH}.internals.unsecured.OAuthBearerUnsecuredValidatorCallbackHandler"


class SecuredKafka(Kafka):
    """Listeners SCRAM (without TLS), SCRAM_TLS, MTLS, TLS and TOKEN (unsigned JSON Web Tokens, without TLS);
    `at(listener)` is where. DETOUR is SCRAM again, but sends its clients to `detour`, a port for a test's own proxy.

    Users are the names given to `add_user` and `certificate`; they may do what `allow` says. Who comes by `bootstrap`
    or TLS has no name and may do everything, so that a test can put things in order.
    """

    name = "Apache Kafka with security"
    protocols = {  # noqa: RUF012 – of the class, as its base has it
        "PLAINTEXT": "PLAINTEXT",
        "SCRAM": "SASL_PLAINTEXT",
        "SCRAM_TLS": "SASL_SSL",
        "MTLS": "SSL",
        "TLS": "SSL",
        "TOKEN": "SASL_PLAINTEXT",
        "DETOUR": "SASL_PLAINTEXT",
    }

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._authority = trustme.CA()
        self.ca = folder / "ca.pem"  # whom clients trust
        self.detour = free_port()

    def properties(self) -> str:
        security = _SECURITY.format(folder=self.folder, login=_LOGIN, tokens=_TOKENS, unsigned=_UNSIGNED)
        return super().properties() + security

    def advertised(self, listener: str) -> str:
        return f"{HOST}:{self.detour}" if listener == "DETOUR" else super().advertised(listener)

    def prepare(self) -> None:
        if not self.ca.exists():
            self._authority.cert_pem.write_to_path(self.ca)
            certificate, key = self.certificate("broker")
            (self.folder / "broker.pem").write_bytes(key.read_bytes() + certificate.read_bytes())
        super().prepare()

    def certificate(self, user: str) -> tuple[Path, Path]:
        """PEM files of a certificate (with its chain) for `user` at 127.0.0.1, and of its key (PKCS #8)."""
        issued = self._authority.issue_cert(HOST, common_name=user)
        certificate, key = self.folder / f"{user}.crt", self.folder / f"{user}.key"
        certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        # Kafka reads no other form of a key.
        private = load_pem_private_key(issued.private_key_pem.bytes(), None)
        key.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return certificate, key

    def add_user(self, user: str, password: str, mechanism: ScramMechanism = ScramMechanism.SCRAM_SHA_512) -> None:
        """May log in by that mechanism from when this returns; a second call changes the password."""
        credential = ScramCredentialInfo(mechanism, 4096)
        change = UserScramCredentialUpsertion(user, credential, password.encode())
        admin = self.admin()
        for done in admin.alter_user_scram_credentials([change]).values():
            done.result(10)
        self.wait(lambda: self._lets_in(user, password, mechanism), f"let {user} in", 20)

    def allow(self, user: str, operation: AclOperation, topic: str) -> None:
        """`user` may do this with the topic from when this returns, and nothing else that was not allowed before."""
        who = (f"User:{user}", "*", operation, AclPermissionType.ALLOW)
        rule = AclBinding(ResourceType.TOPIC, topic, ResourcePatternType.LITERAL, *who)
        admin = self.admin()
        for done in admin.create_acls([rule]).values():
            done.result(10)
        # The controller has answered; the broker follows it.
        known = AclBindingFilter(ResourceType.TOPIC, topic, ResourcePatternType.LITERAL, *who)
        self.wait(lambda: bool(admin.describe_acls(known).result(10)), f"allow {user} to use {topic}", 20)

    def _lets_in(self, user: str, password: str, mechanism: ScramMechanism) -> bool:
        knocking = AdminClient(
            {
                "bootstrap.servers": self.at("SCRAM"),
                "security.protocol": "SASL_PLAINTEXT",
                "sasl.mechanism": mechanism.name.replace("_", "-"),
                "sasl.username": user,
                "sasl.password": password,
                "log_level": 0,
            }
        )
        try:
            return bool(knocking.list_topics(timeout=2).brokers)
        except KafkaException:
            return False
