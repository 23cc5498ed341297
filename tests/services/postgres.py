"""A private PostgreSQL of Debian's packages: a cluster of its own in a temporary folder, run by nobody important.

It listens on 127.0.0.1 and on a Unix socket, and asks for a password on both ways but the socket's.
"""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import trustme
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.services.database_server import HOST, DatabaseServer

PASSWORD = "carp-and-tench"  # noqa: S105 - of a server that lives as long as a test
# A killed process loses nothing that the kernel holds, so nothing here has to reach a disk.
_SETTINGS = {"fsync": "off", "full_page_writes": "off", "max_connections": "50", "shared_buffers": "64MB"}


class Postgres(DatabaseServer):
    """Newest PostgreSQL found. With `tls`, TCP takes encrypted connections only, and `dsn` verifies its certificate."""

    def __init__(self, tls: bool = False, settings: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self._binaries = _binaries()
        self._tls = tls
        self._settings = _SETTINGS | dict(settings or {})
        self._initialise()

    @property
    def dsn(self) -> str:
        return self.dsn_of("postgres")

    @property
    def socket_dsn(self) -> str:
        """The way past the password."""
        return make_conninfo(host=str(self.folder), port=self.port, user="postgres", dbname="postgres")

    @property
    def ca_file(self) -> Path:
        return self.folder / "ca.pem"

    def dsn_of(self, database: str) -> str:
        address = f"postgresql://postgres:{PASSWORD}@{HOST}:{self.port}/{database}"
        return f"{address}?sslmode=verify-full&sslrootcert={self.ca_file}" if self._tls else address

    @contextmanager
    def fresh(self, template: str = "template1") -> Iterator[str]:
        """The DSN of a database of its own, empty or a copy of `template`."""
        name = f"test_{uuid4().hex}"
        self.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
        try:
            yield self.dsn_of(name)
        finally:
            self.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _command(self) -> Sequence[str]:
        settings = self._settings | {"listen_addresses": HOST, "unix_socket_directories": str(self.folder)}
        options = [f"--{name}={value}" for name, value in settings.items()]
        return [str(self._binaries / "postgres"), "-D", str(self.folder / "data"), "-p", str(self.port), *options]

    def _as_whom(self) -> Mapping[str, Any]:
        # PostgreSQL refuses to run as root.
        return {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}

    def _initialise(self) -> None:
        password = self.folder / "password"
        password.write_text(PASSWORD)
        if self._tls:
            self._certify()
        self._hand_over()
        options = ["-U", "postgres", "--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={password}"]
        command = [str(self._binaries / "initdb"), "-D", str(self.folder / "data"), "-E", "UTF8", "--locale=C.UTF-8"]
        done = subprocess.run(
            [*command, "--no-sync", *options], cwd=self.folder, capture_output=True, text=True, **self._as_whom()
        )
        assert done.returncode == 0, done.stderr

    def _certify(self) -> None:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self.ca_file))
        key, certificate = self.folder / "server.key", self.folder / "server.pem"
        issued = authority.issue_cert(HOST, "localhost")
        issued.private_key_pem.write_to_path(str(key))
        issued.cert_chain_pems[0].write_to_path(str(certificate))
        key.chmod(0o600)
        access = self.folder / "access.conf"
        access.write_text("local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n")
        self._settings |= {"ssl": "on", "ssl_key_file": str(key), "ssl_cert_file": str(certificate)}
        self._settings |= {"hba_file": str(access)}

    def _hand_over(self) -> None:
        if owner := self._as_whom():
            for path in (self.folder, *self.folder.iterdir()):
                shutil.chown(path, owner["user"], owner["group"])


def _binaries() -> Path:
    """The folder of the newest server here; skips the test where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found and (os.geteuid() != 0 or "postgres" in {user.pw_name for user in pwd.getpwall()}):
        return found[-1].parent
    if (elsewhere := shutil.which("initdb")) is not None and os.geteuid() != 0:
        return Path(elsewhere).resolve().parent
    pytest.skip("there is no PostgreSQL here; install it with: sudo apt-get install postgresql")
