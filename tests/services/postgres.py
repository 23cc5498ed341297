"""A private PostgreSQL of Debian's packages: a cluster of its own, run by nobody important.

It listens on 127.0.0.1 and on a Unix socket, and asks for a password on every way but the socket's.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import trustme
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.services.service import HOST, NotInstalled, Service, ServiceFailed, free_port

PASSWORD = "carp-and-tench"  # noqa: S105 - of a server that lives as long as a test
_USER = "postgres"  # Debian's: PostgreSQL refuses to run as root
# A killed process loses nothing that the kernel holds, so nothing here has to reach a disk.
_SETTINGS = {"fsync": "off", "full_page_writes": "off", "max_connections": "50", "shared_buffers": "64MB"}


class Postgres(Service):
    """The newest PostgreSQL that is installed, without TimescaleDB. Take databases of your own by `fresh`."""

    name = "PostgreSQL"

    def __init__(self, folder: Path, port: int | None = None) -> None:
        super().__init__(folder)
        self.port = port or free_port()
        # Not in `folder`, which may be nobody's but root's to enter; and short, for the path of a Unix socket.
        self.home = Path(tempfile.mkdtemp(prefix="aqua-postgres-"))
        self.home.chmod(0o755)
        weakref.finalize(self, shutil.rmtree, self.home, ignore_errors=True)

    @property
    def address(self) -> str:
        return self.dsn

    @property
    def dsn(self) -> str:
        return self.dsn_of("postgres")

    @property
    def socket_dsn(self) -> str:
        """The way past the password."""
        return make_conninfo(host=str(self.home), port=self.port, user=_USER, dbname="postgres")

    def dsn_of(self, database: str) -> str:
        return f"postgresql://{_USER}:{PASSWORD}@{HOST}:{self.port}/{database}"

    @contextmanager
    def fresh(self, template: str = "template1") -> Iterator[str]:
        """The DSN of a database of its own, empty or a copy of `template`."""
        name = f"test_{uuid4().hex}"
        self.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
        try:
            yield self.dsn_of(name)
        finally:
            self.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def execute(self, statement: sql.SQL | sql.Composed) -> None:
        """One statement outside a transaction, as the superuser."""
        with psycopg.connect(self.socket_dsn, autocommit=True) as connection:
            connection.execute(statement)

    def settings(self) -> Mapping[str, str]:
        return {**_SETTINGS, "listen_addresses": HOST, "unix_socket_directories": str(self.home)}

    def prepare(self) -> None:
        if (self.home / "data").exists():
            return
        password = self.home / "password"
        password.write_text(PASSWORD)
        self.hand_over()
        options = ["-U", _USER, "--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={password}", "--no-sync"]
        done = subprocess.run(
            self._as_user("initdb", "-D", str(self.home / "data"), "-E", "UTF8", "--locale=C.UTF-8", *options),
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise ServiceFailed(f"{self.name} has no cluster to run: {done.stderr}")

    def command(self) -> Sequence[str]:
        options = [f"--{name}={value}" for name, value in self.settings().items()]
        return self._as_user("postgres", "-D", str(self.home / "data"), "-p", str(self.port), *options)

    def answers(self) -> bool:
        try:
            with psycopg.connect(self.socket_dsn, connect_timeout=5) as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        """Breaks the connections; what was committed is kept."""
        if self._child is not None:
            self._child.send_signal(signal.SIGINT)  # to SIGTERM it would wait for its clients to leave
        super().stop()

    def kill(self) -> None:
        """SIGKILL to it and its children, as by a power cut; all gone when this returns."""
        if self._child is None:
            return
        group = self._child.pid
        if self.running:
            os.killpg(group, signal.SIGKILL)
        super().kill()
        while _alive(group):  # until its children have let go of the shared memory the next one would refuse to start
            time.sleep(0.01)

    def hand_over(self) -> None:
        """What is in its home becomes its user's."""
        if os.geteuid() == 0:
            for path in (self.home, *self.home.iterdir()):
                shutil.chown(path, _USER, _USER)

    def _as_user(self, program: str, *arguments: str) -> Sequence[str]:
        """The command, in a folder that the user may enter."""
        become = ["setpriv", f"--reuid={_USER}", f"--regid={_USER}", "--clear-groups"] if os.geteuid() == 0 else []
        return ["env", f"--chdir={self.home}", *become, str(programs() / program), *arguments]


class SecuredPostgres(Postgres):
    """Takes encrypted connections only; `dsn` verifies its certificate, whose authority is in `ca_file`."""

    name = "PostgreSQL with TLS"

    @property
    def ca_file(self) -> Path:
        return self.home / "ca.pem"

    def dsn_of(self, database: str) -> str:
        return f"{super().dsn_of(database)}?sslmode=verify-full&sslrootcert={self.ca_file}"

    def settings(self) -> Mapping[str, str]:
        files = {"ssl_key_file": "server.key", "ssl_cert_file": "server.pem", "hba_file": "access.conf"}
        return {**super().settings(), "ssl": "on", **{name: str(self.home / file) for name, file in files.items()}}

    def prepare(self) -> None:
        if not self.ca_file.exists():
            authority = trustme.CA()
            issued = authority.issue_cert(HOST, "localhost")
            authority.cert_pem.write_to_path(str(self.ca_file))
            issued.private_key_pem.write_to_path(str(self.home / "server.key"))
            issued.cert_chain_pems[0].write_to_path(str(self.home / "server.pem"))
            (self.home / "server.key").chmod(0o600)
            (self.home / "access.conf").write_text("local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n")
        super().prepare()


def programs() -> Path:
    """The folder of the newest server here. Raises NotInstalled."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    elsewhere = shutil.which("initdb")
    if found:
        folder = found[-1].parent
    elif elsewhere is not None:
        folder = Path(elsewhere).resolve().parent
    else:
        raise NotInstalled("there is no PostgreSQL here; install it with: sudo apt-get install postgresql")
    if os.geteuid() == 0 and _USER not in {user.pw_name for user in pwd.getpwall()}:
        raise NotInstalled(f"PostgreSQL does not run as root, and there is no user {_USER} to run it")
    return folder


def _alive(group: int) -> bool:
    """Whether a process of the group still runs; a dead one that nobody has asked for holds nothing."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, its_group, *_ = stat.read_text().rpartition(")")[2].split()
        except OSError:  # gone meanwhile
            continue
        if int(its_group) == group and state not in "ZX":
            return True
    return False
