"""Fixtures: the servers are started once a test run, when the first test asks for one."""

from collections.abc import Iterator

import pytest

from tests.services.postgres import Postgres
from tests.services.timescale import Timescale


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """PostgreSQL without TimescaleDB."""
    with Postgres() as server:
        yield server


@pytest.fixture(scope="session")
def timescale() -> Iterator[Timescale]:
    with Timescale() as server:
        yield server
