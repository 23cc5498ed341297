"""A broker of these tests' own, since the topics' names are not theirs to choose; a stage each."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.backend.ingest.stage import Stage, make_topics
from tests.services.fixtures import serve
from tests.services.kafka import Kafka
from tests.services.postgres import Postgres
from tests.services.registry import Registry


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    for kafka in serve(Kafka, tmp_path_factory.mktemp("ingest-kafka")):
        make_topics(kafka)
        yield kafka


@pytest.fixture
def make_stage(broker: Kafka, registry: Registry, tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    """`make_stage(dsn)`; with other servers than the session's by name."""
    stages: list[Stage] = []

    def make(dsn: str, **servers: Any) -> Stage:
        stages.append(Stage(servers.get("kafka", broker), servers.get("registry", registry), dsn, tmp_path))
        return stages[-1]

    yield make
    for stage in stages:
        stage.close()


@pytest.fixture
def stage(make_stage: Callable[..., Stage], postgres: Postgres) -> Iterator[Stage]:
    """On PostgreSQL without TimescaleDB."""
    with postgres.fresh() as dsn:
        yield make_stage(dsn)
