"""The TimescaleDB sink and a PostgreSQL that takes encrypted connections only."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import psycopg
import pytest
import trustme
from psycopg import sql

from agent.domain.errors import SinkMisconfigured
from cloud_sync.uplink.timescale import TimescaleSink
from tests.cloud_sync.things import records
from tests.cloud_sync.timescale_world import held, migrated, sink_of
from tests.services.fixtures import serve
from tests.services.postgres import SecuredPostgres
from tests.services.service import HOST

BY_CERTIFICATE = "by_certificate"
_ACCESS = f"hostssl all {BY_CERTIFICATE} 127.0.0.1/32 cert\nhostssl all all 127.0.0.1/32 scram-sha-256\n"


class CertifyingPostgres(SecuredPostgres):
    """One of its users has a certificate in the place of a password."""

    clients = trustme.CA()

    def settings(self) -> dict[str, str]:
        return {**super().settings(), "ssl_ca_file": str(self.home / "clients.pem")}

    def prepare(self) -> None:
        super().prepare()
        self.clients.cert_pem.write_to_path(str(self.home / "clients.pem"))
        (self.home / "access.conf").write_text(f"local all all trust\n{_ACCESS}")
        self.hand_over()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CertifyingPostgres]:
    yield from serve(CertifyingPostgres, tmp_path_factory.mktemp("certifying-postgres"))


@pytest.fixture(scope="module")
def template(server: CertifyingPostgres) -> str:
    server.execute(sql.SQL("CREATE ROLE {} SUPERUSER LOGIN").format(sql.Identifier(BY_CERTIFICATE)))
    return migrated(server)


@pytest.fixture
def dsn(server: CertifyingPostgres, template: str) -> Iterator[str]:
    with server.fresh(template) as dsn:
        yield dsn


async def opens(sink: TimescaleSink) -> None:
    await sink.open()
    await sink.close()


async def refusal(sink: TimescaleSink) -> str:
    with pytest.raises(SinkMisconfigured) as caught:
        await sink.open()
    return str(caught.value)


@pytest.mark.parametrize("host", [HOST, "localhost"])
async def test_the_right_authority_and_name_are_enough(server: CertifyingPostgres, dsn: str, host: str) -> None:
    sink = sink_of(dsn, ca_file=server.ca_file, host=host)
    await sink.open()
    with psycopg.connect(dsn) as connection:
        ask = "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'aqua-gateway'"
        assert connection.execute(ask).fetchall() == [(True,)]
    sent = await sink.send(records(1, 30))
    await sink.close()
    assert sent.sent_bytes > 10_000
    assert len(held(dsn)) == 30


async def test_another_authority_is_refused(dsn: str, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    told = await refusal(sink_of(dsn, ca_file=other))
    assert "certificate verify failed" in told and "is the clock right, and ca_file the server's?" in told
    assert "does not exist" in await refusal(sink_of(dsn, ca_file=tmp_path / "nowhere.pem"))


async def test_another_name_is_refused(server: CertifyingPostgres, dsn: str) -> None:
    here = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (HOST, server.port))]
    with mock.patch("socket.getaddrinfo", return_value=here):
        told = await refusal(sink_of(dsn, ca_file=server.ca_file, host="db.farm.example"))
    assert 'does not match host name "db.farm.example"' in told


async def test_a_wrong_password_is_refused_over_tls_too(server: CertifyingPostgres, dsn: str) -> None:
    told = await refusal(sink_of(dsn.replace("carp-and-tench", "hush-hush"), ca_file=server.ca_file))
    assert "password authentication failed" in told and "hush" not in told


async def test_a_server_that_wants_tls_is_not_written_to_without(dsn: str) -> None:
    assert "no encryption" in await refusal(sink_of(dsn))


async def test_a_server_without_tls_is_not_written_to_where_it_is_asked_for(
    postgres: Any, server: CertifyingPostgres
) -> None:
    told = await refusal(sink_of(postgres.dsn, ca_file=server.ca_file))
    assert "does not support SSL" in told


async def test_the_gateway_s_own_certificate_is_enough(server: CertifyingPostgres, dsn: str, tmp_path: Path) -> None:
    certificate, key = tmp_path / "gateway.pem", tmp_path / "gateway.key"
    issued = server.clients.issue_cert("farm-1@farm.example", common_name=BY_CERTIFICATE)
    issued.cert_chain_pems[0].write_to_path(str(certificate))
    issued.private_key_pem.write_to_path(str(key))
    key.chmod(0o600)
    who = {"user": BY_CERTIFICATE, "password": None, "ca_file": server.ca_file}
    await opens(sink_of(dsn, **who, cert_file=certificate, key_file=key))
    assert "certificate" in await refusal(sink_of(dsn, **who))
    key.chmod(0o644)
    assert "private key" in await refusal(sink_of(dsn, **who, cert_file=certificate, key_file=key))
