"""Fixtures of the services, imported by tests/conftest.py alone, so that a session has one of each.

`kafka`, `secured_kafka`, `registry`, `postgres`, `timescale` and `tahu` are shared by the whole session and start with
the first test that asks: take topics, subjects and databases (`fresh`) of your own. Who stops or kills a service takes
one of their own, by `own_service`.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

import pytest

from tests.services.kafka import Kafka
from tests.services.mock_kafka import MockKafka
from tests.services.postgres import Postgres
from tests.services.registry import Registry
from tests.services.secured_kafka import SecuredKafka
from tests.services.service import NotInstalled, Service
from tests.services.tahu import Tahu
from tests.services.timescale import Timescale

S = TypeVar("S", bound=Service)
OwnService = Callable[[type[S]], S]


def serve(kind: type[S], folder: Path) -> Iterator[S]:
    """It runs while the fixture lives; the test is skipped where a program it needs is missing."""
    try:
        service = kind(folder)
        service.start()
    except NotInstalled as missing:
        pytest.skip(str(missing))
    try:
        yield service
    finally:
        service.stop()


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    yield from serve(Kafka, tmp_path_factory.mktemp("kafka"))


@pytest.fixture(scope="session")
def secured_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    yield from serve(SecuredKafka, tmp_path_factory.mktemp("secured-kafka"))


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    yield from serve(Registry, tmp_path_factory.mktemp("registry"))


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """PostgreSQL without TimescaleDB."""
    yield from serve(Postgres, tmp_path_factory.mktemp("postgres"))


@pytest.fixture(scope="session")
def timescale(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Timescale]:
    yield from serve(Timescale, tmp_path_factory.mktemp("timescale"))


@pytest.fixture
def own_service(tmp_path: Path) -> Iterator[Callable[[type[S]], S]]:
    """Starts a service of this test alone: `own_service(Kafka)`."""
    with ExitStack() as closing:

        def start(kind: type[S]) -> S:
            serving = serve(kind, tmp_path / kind.__name__.lower())
            service = next(serving)
            closing.callback(next, serving, None)
            return service

        yield start


@pytest.fixture
def mock_kafka() -> Iterator[MockKafka]:
    """Three mock brokers. A test's clients must be gone when it ends."""
    with MockKafka(brokers=3) as mock:
        yield mock


@pytest.fixture(scope="session")
def tahu() -> Iterator[Tahu]:
    """Reads and writes Sparkplug B payloads."""
    try:
        tahu = Tahu()
    except NotInstalled as missing:
        pytest.skip(str(missing))
    with tahu:
        yield tahu
