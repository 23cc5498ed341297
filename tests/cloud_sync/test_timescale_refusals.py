"""What a real PostgreSQL has against a batch, or against the gateway, and what becomes of it."""

import logging
from collections.abc import Iterator
from typing import LiteralString

import psycopg
import pytest
from psycopg import sql

from agent.domain.errors import SinkMisconfigured, SinkUnavailable
from cloud_sync.uplink.breaker import Failure
from cloud_sync.uplink.interfaces import BatchRefused, TooSlow
from cloud_sync.uplink.timescale import TimescaleSink
from tests.cloud_sync.sink_contract import (
    sequences,
)
from tests.cloud_sync.things import records
from tests.cloud_sync.timescale_world import PASSWORD, TimescaleWorld, a_world, sink_of
from tests.services.postgres import Postgres


@pytest.fixture
def world(postgres: Postgres, gateways_template: str) -> Iterator[TimescaleWorld]:
    with a_world(postgres, gateways_template) as world:
        yield world


async def opens(sink: TimescaleSink) -> None:
    await sink.open()
    await sink.close()


async def test_a_lock_that_is_not_to_be_had_passes(world: TimescaleWorld) -> None:
    sink = world.sink()
    await sink.open()
    with psycopg.connect(world.dsn) as somebody:
        somebody.execute("LOCK TABLE sensor_data.readings")
        with pytest.raises(SinkUnavailable, match=r"lock timeout \[55P03\]") as caught:
            await sink.send(records(1, 3))
        assert not isinstance(caught.value, TooSlow)
    await sink.send(records(1, 3))
    await sink.close()
    assert sequences(world) == [1, 2, 3]


async def test_the_statement_timeout_asks_for_smaller_batches(world: TimescaleWorld) -> None:
    sink = world.sink()
    await sink.open()
    world.dawdle()
    with pytest.raises(TooSlow, match=r"statement timeout \[57014\]"):
        await sink.send(records(1, 3))
    await sink.close()
    assert world.received() == []


async def test_a_refused_batch_tells_the_constraint_and_the_connection_goes_on(world: TimescaleWorld) -> None:
    sink = world.sink()
    await sink.open()
    sessions, good = world.sessions(), records(1, 3)
    bad = good[1]._replace(body={**good[1].body, "quality_score": 1.5})
    with pytest.raises(BatchRefused, match=r'readings_quality_is_a_share"; Failing row contains .*\[23514\]'):
        await sink.send([good[0], bad])
    with pytest.raises(BatchRefused, match=r"warm.*\[22P02\]"):
        await sink.send([good[0], good[1]._replace(body={**good[1].body, "value": "warm"})])
    with pytest.raises(BatchRefused, match="no row can be made of a record without 'value'"):
        await sink.send([good[0]._replace(body={k: v for k, v in good[0].body.items() if k != "value"})])
    assert world.received() == []
    await sink.send(good)
    assert world.sessions() == sessions
    await sink.close()


async def test_a_database_that_nobody_migrated_is_told(postgres: Postgres) -> None:
    with postgres.fresh() as dsn, pytest.raises(SinkMisconfigured, match="run `aqua-backend db migrate`"):
        await sink_of(dsn).open()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("ALTER TABLE sensor_data.rollups DROP COLUMN usable_readings", "usable_readings.*`aqua-backend db migrate`"),
        ("DROP INDEX sensor_data.idx_readings_sensor_id_time", "ON CONFLICT.*`aqua-backend db migrate`"),
        ("REVOKE INSERT ON sensor_data.gaps FROM {}", "permission denied for table gaps .42501.: grant"),
        ("REVOKE UPDATE ON sensor_data.alerts FROM {}", "permission denied for table alerts .42501.: grant"),
    ],
)
async def test_a_table_that_cannot_be_written_is_told_before_anything_is(
    world: TimescaleWorld, change: LiteralString, told: str
) -> None:
    world.execute(sql.SQL(change).format(sql.Identifier(world.role)))
    sink = world.sink()
    with pytest.raises(SinkMisconfigured, match=told):
        await sink.open()
    with pytest.raises(SinkMisconfigured, match=told):
        await sink.send(records(1, 3))


async def test_a_missing_database_or_user_is_told(world: TimescaleWorld) -> None:
    with pytest.raises(SinkMisconfigured, match='database "nowhere" does not exist'):
        await world.sink(database="nowhere").open()
    with pytest.raises(SinkMisconfigured, match=r"authentication failed.*are user and password right"):
        await world.sink(user="nobody").open()
    with pytest.raises(SinkMisconfigured, match="no password supplied"):
        await world.sink(password=None).open()


async def test_no_password_is_told(world: TimescaleWorld, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("psycopg").setLevel(logging.DEBUG)
    world.refuse_us()
    sink = world.sink()
    with pytest.raises(SinkMisconfigured) as caught:
        await sink.open()
    world.admit_us()
    await opens(sink)
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    assert PASSWORD not in caplog.text + str(caught.value) + repr(world.settings())
    quoting = psycopg.errors.InvalidPassword(f"{PASSWORD} is wrong")
    assert PASSWORD not in str(sink._told(Failure.NEEDS_A_PERSON, quoting))


async def test_a_read_only_server_is_waited_for(world: TimescaleWorld) -> None:
    world.execute(sql.SQL("ALTER ROLE {} SET default_transaction_read_only = on").format(sql.Identifier(world.role)))
    with pytest.raises(SinkUnavailable, match=r"read-only transaction \[25006\]"):
        await world.sink().open()
