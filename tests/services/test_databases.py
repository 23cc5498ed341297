"""The databases of the tests are what the tests take them for."""

from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.services.fixtures import OwnService
from tests.services.postgres import Postgres, SecuredPostgres
from tests.services.timescale import LastingTimescale, Timescale


def answer(dsn: str, question: str) -> object:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(question).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize("kind", [Postgres, LastingTimescale])
def test_what_was_committed_outlives_a_kill_and_a_restart(
    kind: type[Postgres | LastingTimescale], own_service: OwnService[Any]
) -> None:
    database = own_service(kind)
    with psycopg.connect(database.dsn) as connection:
        connection.execute("CREATE TABLE ponds AS SELECT 7 AS carps")
    database.kill()
    with pytest.raises(psycopg.OperationalError):
        answer(database.dsn, "SELECT 1")
    database.start()
    assert answer(database.dsn, "SELECT carps FROM ponds") == 7
    with psycopg.connect(database.dsn):  # somebody who stays connected does not hold it up
        database.restart()
    assert answer(database.dsn, "SELECT carps FROM ponds") == 7


def test_postgres_can_be_killed_in_the_middle_of_its_work(own_service: OwnService[Any]) -> None:
    database = own_service(Postgres)
    for _ in range(5):
        with psycopg.connect(database.dsn, autocommit=True) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS ponds (name text)")
            database.kill()
        database.start()
    assert answer(database.dsn, "SELECT count(*) FROM ponds") == 0


def test_postgres_hangs_and_goes_on(own_service: OwnService[Any]) -> None:
    database = own_service(Postgres)
    database.pause()
    with pytest.raises(psycopg.OperationalError, match="timeout"):
        answer(f"{database.dsn}?connect_timeout=2", "SELECT 1")
    database.resume()
    assert answer(database.dsn, "SELECT 1") == 1


@pytest.mark.parametrize("name", ["postgres", "timescale"])
def test_a_fresh_database_is_empty_every_time(name: str, request: pytest.FixtureRequest) -> None:
    server: Postgres | Timescale = request.getfixturevalue(name)
    for _ in range(2):
        with server.fresh() as dsn, psycopg.connect(dsn) as connection:
            connection.execute("CREATE SCHEMA farm CREATE TABLE ponds (carps integer)")
            connection.execute("CREATE TABLE public.ponds (carps integer)")


def test_timescale_is_timescale(timescale: Timescale) -> None:
    version = answer(timescale.dsn, "SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'")
    assert str(version).startswith("2.")


def test_clients_of_timescale_take_turns(timescale: Timescale) -> None:
    with timescale.fresh() as dsn, psycopg.connect(dsn) as one, psycopg.connect(dsn, autocommit=True) as other:
        assert other.execute("SELECT %s::int", [1], prepare=True).fetchone() == (1,)
        assert one.execute("SELECT %s::text", ["a"], prepare=True).fetchone() == ("a",)
        one.rollback()
        assert other.execute("SELECT %s::int", [2], prepare=True).fetchone() == (2,)


def test_timescale_takes_a_copy(timescale: Timescale) -> None:
    with timescale.fresh() as dsn, psycopg.connect(dsn) as connection:
        connection.execute("CREATE TABLE ponds (name text)")
        with connection.cursor() as cursor, cursor.copy("COPY ponds FROM STDIN") as copy:
            copy.write_row(["north"])
        assert connection.execute("SELECT name FROM ponds").fetchall() == [("north",)]


def test_postgres_asks_for_the_password_and_proves_who_it_is(own_service: OwnService[SecuredPostgres]) -> None:
    server = own_service(SecuredPostgres)
    assert answer(server.dsn, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") is True
    assert answer(server.socket_dsn, "SELECT 1") == 1
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        answer(make_conninfo(server.dsn, password="wrong"), "SELECT 1")  # noqa: S106
    with pytest.raises(psycopg.OperationalError, match="no encryption"):
        answer(make_conninfo(server.dsn, sslmode="disable"), "SELECT 1")
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        answer(make_conninfo(server.dsn, sslrootcert="system"), "SELECT 1")
