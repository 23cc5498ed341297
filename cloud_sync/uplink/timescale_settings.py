"""The keys of a TimescaleDB sink, and what libpq is told for them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.domain.secret import Secret
from cloud_sync.contract.web import is_this_machine
from cloud_sync.uplink.interfaces import check_batching


@dataclass(frozen=True, slots=True)
class TimescaleSettings:
    """`host` is a name or an address; `user` may write the tables of `database`.

    With `ca_file` (PEM) the connection is encrypted, and the server's certificate must be of that authority and
    for that host. It can be left out only on this machine, or with `allow_plain`; then nothing is encrypted.
    `cert_file` and `key_file` (PEM) are the gateway's own certificate, where the server asks for one.

    Connecting to one address may take `connect_timeout_s`; the other timeouts are the server's, of the same names.
    `application_name` is how the server shows us. Readings wait up to `linger_s` seconds for company, at most
    `batch` of them.
    """

    host: str
    user: str
    password: Secret | None = None
    port: int = 5432
    database: str = "aquacontrol_timeseries"
    ca_file: Path | None = None
    allow_plain: bool = False
    cert_file: Path | None = None
    key_file: Path | None = None
    connect_timeout_s: int = 10
    statement_timeout_s: float = 30.0
    lock_timeout_s: float = 10.0
    idle_in_transaction_timeout_s: float = 60.0
    application_name: str = "aqua-gateway"
    linger_s: float = 5.0
    batch: int = 1000

    def __post_init__(self) -> None:
        if not _names_a_host(self.host):
            raise ValueError("host must be the name or address of one server, without scheme, user, port or path")
        if self.ca_file is None and not self.allow_plain and not is_this_machine(self.host):
            raise ValueError(
                f"host {self.host} would be written to unencrypted; name the authority of its certificate in "
                "ca_file, or set allow_plain = true where the network itself is protected"
            )
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file go together")
        if self.cert_file is not None and self.ca_file is None:
            raise ValueError("cert_file is of use on an encrypted connection only: name the server's ca_file, too")
        if self.password is not None and "\0" in self.password.reveal():
            raise ValueError(f"password from {self.password.source} holds a NUL")
        for name in ("user", "database", "application_name"):
            text: str = getattr(self, name)
            if not text or "\0" in text:
                raise ValueError(f"{name} must not be empty or hold a NUL")
        if not 1 <= self.port <= 65535:
            raise ValueError(f"port must be between 1 and 65535, not {self.port}")
        if not 2 <= self.connect_timeout_s <= 300:
            raise ValueError(f"connect_timeout_s must be between 2 and 300 seconds, not {self.connect_timeout_s}")
        for name in ("statement_timeout_s", "lock_timeout_s", "idle_in_transaction_timeout_s"):
            seconds: float = getattr(self, name)
            if not 0.001 <= seconds <= 3600:
                raise ValueError(f"{name} must be between 0.001 and 3600 seconds, not {seconds}")
        check_batching(self.linger_s, self.batch)

    def address(self) -> dict[str, Any]:
        """libpq's parameters."""
        return {
            "host": self.host,
            "port": self.port,
            "dbname": self.database,
            "user": self.user,
            "password": None if self.password is None else self.password.reveal(),
            "sslmode": "disable" if self.ca_file is None else "verify-full",
            "sslrootcert": self.ca_file,
            "sslcert": self.cert_file,
            "sslkey": self.key_file,
            "gssencmode": "disable",  # it would come before TLS, and without its checks
            "connect_timeout": self.connect_timeout_s,
            "application_name": self.application_name,
            "client_encoding": "UTF8",
        }


def _names_a_host(host: str) -> bool:
    try:
        host.encode("idna")
    except UnicodeError:
        return False
    return bool(host) and not any(sign in host for sign in "/@,\0") and not any(map(str.isspace, host))
