"""Where the local broker is, and what is told there how often."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from agent.domain.secret import Secret


@dataclass(frozen=True, slots=True)
class SparkplugSettings:
    """The gateway as a Sparkplug B edge node; with a `primary_host` it is one only while that is online."""

    group_id: str
    edge_node_id: str
    primary_host: str | None = None


@dataclass(frozen=True, slots=True)
class MqttSettings:
    """`ca_file` names the certificate of the authority to trust, and turns TLS on; `tls` alone trusts those that the
    machine trusts. With `cert_file` and `key_file` the gateway shows a certificate of its own.

    What is retained says every `heartbeat_s` that it is still so. A reading is told at most every `readings_every_s`
    (0: never) when it differs by more than the deadband of its sensor type from what was told last, and at least every
    `readings_at_least_s`. A test alarm goes out every `test_every_s` (0: never).
    """

    host: str = "127.0.0.1"
    port: int = 1883
    username: str | None = None
    password: Secret | None = None
    tls: bool = False
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    topic: str = "aqua"
    timeout_s: float = 10.0
    heartbeat_s: float = 60.0
    readings_every_s: float = 10.0
    readings_at_least_s: float = 60.0
    readings_deadband: Mapping[str, float] = field(default_factory=dict)
    test_every_s: float = 86_400.0
    home_assistant: bool = False
    home_assistant_prefix: str = "homeassistant"
    sparkplug: SparkplugSettings | None = None

    def __str__(self) -> str:
        return f"MQTT broker {self.host}:{self.port}"

    @property
    def encrypted(self) -> bool:
        return self.tls or self.ca_file is not None or self.cert_file is not None

    @property
    def valid_s(self) -> float:
        """For how long to believe what is retained: two heartbeats may be missed."""
        return 3 * self.heartbeat_s
