"""The TimescaleDB sink against a real PostgreSQL behind a proxy, and against a real TimescaleDB."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from cloud_sync.backend.database.migrate import migrate
from tests.cloud_sync.sink_contract import JudgingSinkContract
from tests.cloud_sync.timescale_world import TimescaleWorld, a_world
from tests.services.postgres import Postgres

_MADE = "aqua_for_gateways"


@pytest.fixture(scope="module")
def template(postgres: Postgres) -> str:
    """A migrated database to be copied."""
    postgres.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(_MADE)))
    with psycopg.connect(postgres.dsn_of(_MADE), autocommit=True) as connection:
        migrate(connection)
    return _MADE


@pytest.fixture
def world(postgres: Postgres, template: str) -> Iterator[TimescaleWorld]:
    with a_world(postgres, template) as world:
        yield world


class TestTimescaleKeepsTheContract(JudgingSinkContract):
    pass
