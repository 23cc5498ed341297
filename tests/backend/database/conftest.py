"""Every test here runs on a real PostgreSQL without TimescaleDB and on a real TimescaleDB."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
from psycopg import Connection, sql

from cloud_sync.backend.database.migrate import migrate
from tests.services.postgres import Postgres
from tests.services.timescale import Timescale

_MADE = "aqua_made_once"


@pytest.fixture(params=["postgres", "timescale"])
def empty_dsn(request: pytest.FixtureRequest) -> Iterator[str]:
    """A database in which nobody has done anything."""
    server: Postgres | Timescale = request.getfixturevalue(request.param)
    with server.fresh() as dsn:
        yield dsn


@pytest.fixture
def empty(empty_dsn: str) -> Iterator[Connection[Any]]:
    with psycopg.connect(empty_dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def template(postgres: Postgres) -> str:
    """A migrated database to be copied, which is quicker than to migrate again."""
    postgres.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(_MADE)))
    with psycopg.connect(postgres.dsn_of(_MADE), autocommit=True) as connection:
        migrate(connection)
    return _MADE


@pytest.fixture(params=["postgres", "timescale"])
def database_dsn(request: pytest.FixtureRequest) -> Iterator[str]:
    """A database at the newest version."""
    with ExitStack() as stack:
        if request.param == "postgres":
            server: Postgres = request.getfixturevalue("postgres")
            yield stack.enter_context(server.fresh(request.getfixturevalue("template")))
        else:
            dsn = stack.enter_context(request.getfixturevalue("timescale").fresh())
            with psycopg.connect(dsn, autocommit=True) as connection:
                migrate(connection)
            yield dsn


@pytest.fixture
def database(database_dsn: str) -> Iterator[Connection[Any]]:
    """A connection to it, each statement by itself."""
    with psycopg.connect(database_dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def timescale_database(timescale: Timescale) -> Iterator[Connection[Any]]:
    """The same for what only TimescaleDB does."""
    with timescale.fresh() as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        migrate(connection)
        yield connection
