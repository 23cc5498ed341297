"""The TimescaleDB sink against a real PostgreSQL behind a proxy, and against a real TimescaleDB."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from unittest import mock

import psycopg
import pytest
from psycopg import sql

from agent.domain.errors import SinkUnavailable
from cloud_sync.backend.database.migrate import migrate
from cloud_sync.contract.record import Record
from cloud_sync.contract.records import record
from cloud_sync.contract.rows import rehearsal, statements
from cloud_sync.uplink.interfaces import Delivery
from cloud_sync.uplink.timescale import TimescaleSink
from tests.cloud_sync.sink_contract import (
    JudgingSinkContract,
    Mood,
    assert_complete,
    everything_sent,
    sequences,
)
from tests.cloud_sync.things import GATEWAY, change, gap, health, records, rollup
from tests.cloud_sync.timescale_world import TimescaleWorld, a_world, held, migrated, sink_of
from tests.services.fixtures import OwnService
from tests.services.postgres import Postgres
from tests.services.timescale import Timescale


@pytest.fixture
def world(postgres: Postgres, gateways_template: str) -> Iterator[TimescaleWorld]:
    with a_world(postgres, gateways_template) as world:
        yield world


class TestTimescaleKeepsTheContract(JudgingSinkContract):
    pass


async def sent(sink: TimescaleSink, batch: Sequence[Record]) -> Delivery:
    await sink.open()
    try:
        return await sink.send(batch)
    finally:
        await sink.close()


async def until(come: Callable[[], bool], within_s: float = 10.0) -> None:
    deadline = time.monotonic() + within_s
    while not come():
        assert time.monotonic() < deadline, "it never came"
        await asyncio.sleep(0.01)


async def test_the_server_is_killed_stopped_and_started_under_way(own_service: OwnService[Postgres]) -> None:
    server = own_service(Postgres)
    with a_world(server, migrated(server)) as world:
        ways = [server.start, server.stop, server.start, server.kill]

        def next_way(pauses: int) -> None:
            if ways:
                ways.pop()()
            else:
                world.behave()

        world.misbehave(Mood.LOSES_THE_ANSWER)  # so that there are pauses, and something to be written twice
        backlog, pauses = await everything_sent(world, next_way)
        assert backlog.dead == [] and ways == [] and pauses >= 5
        assert_complete(world)


async def test_a_real_timescaledb_takes_all_lanes_and_takes_them_again(timescale: Timescale) -> None:
    with timescale.fresh() as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            migrate(connection)
        world = mock.Mock(sink=lambda: sink_of(dsn), received=lambda: held(dsn))
        for _ in range(2):
            backlog, pauses = await everything_sent(world, lambda _: None)
            assert backlog.dead == [] and pauses == 0
            assert_complete(world)


async def test_half_of_a_batch_is_never_there(world: TimescaleWorld) -> None:
    sink = world.sink()
    await sink.open()
    world.proxy.cuts_before_commit = True  # every statement has been executed by then
    with pytest.raises(SinkUnavailable):
        await sink.send(records(1, 50))
    await until(lambda: not world.sessions())
    assert world.received() == []
    world.behave()
    assert (await sink.send(records(1, 50))).rejected == ()
    await sink.close()
    assert sequences(world) == list(range(1, 51))


async def test_cut_off_in_the_midst_leaves_no_half_and_its_connection_is_not_used_again(world: TimescaleWorld) -> None:
    sink = world.sink(lock_timeout_s=60, statement_timeout_s=60)
    await sink.open()
    before = world.sessions()
    with psycopg.connect(world.dsn) as somebody:
        somebody.execute("LOCK TABLE sensor_data.tanks")  # which comes after the readings
        sending = asyncio.create_task(sink.send(records(1, 50)))
        await until(lambda: waits_for_a_lock(world))
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await sink.close()
        await until(lambda: not sink_is_busy(sink))
    await until(lambda: not before & world.sessions())
    assert sequences(world) in ([], list(range(1, 51)))
    await sink.open()
    await sink.send(records(1, 60))
    assert world.sessions() and not before & world.sessions()
    await sink.close()
    assert sequences(world) == list(range(1, 61))


def waits_for_a_lock(world: TimescaleWorld) -> bool:
    with psycopg.connect(world.dsn) as connection:
        ask = "SELECT count(*) FROM pg_stat_activity WHERE usename = %s AND wait_event_type = 'Lock'"
        return connection.execute(ask, [world.role]).fetchone() == (1,)


def sink_is_busy(sink: TimescaleSink) -> bool:
    return sink._thread.busy


async def test_closing_while_it_connects_leaves_no_connection(world: TimescaleWorld) -> None:
    world.misbehave(Mood.HANGS)
    sink = world.sink(connect_timeout_s=30)
    opening = asyncio.create_task(sink.open())
    await asyncio.sleep(0.1)
    opening.cancel()
    await asyncio.wait({opening})
    await sink.close()
    world.behave()
    await until(lambda: not sink_is_busy(sink))
    await until(lambda: not world.sessions())
    await sink.open()
    await sink.close()


async def test_a_batch_is_one_round_trip(world: TimescaleWorld) -> None:
    sink = world.sink()
    await sink.open()
    before = world.proxy.answers
    await sink.send(records(1, 500))
    await sink.close()
    assert world.proxy.answers - before == 1


async def test_what_was_sent_is_counted(world: TimescaleWorld) -> None:
    sink = world.sink()
    await sink.open()
    before = world.proxy.upwards
    few = await sink.send(records(1, 1))
    many = await sink.send(records(2, 200))
    await sink.close()
    assert few.sent_bytes < many.sent_bytes
    assert few.sent_bytes + many.sent_bytes == pytest.approx(world.proxy.upwards - before, abs=20)


async def test_a_gateways_health_is_written_beside_its_readings(world: TimescaleWorld) -> None:
    sink = world.sink()
    assert sink.batching.health
    await sent(sink, [record(health(1), GATEWAY)])
    with psycopg.connect(world.dsn) as connection:
        rows = connection.execute("SELECT gateway, version, sinks -> 1 ->> 'state' FROM sensor_data.gateway_health")
        assert rows.fetchall() == [(GATEWAY, "0.1.0", "waiting")]


async def test_what_is_acknowledged_is_on_the_disk_whatever_the_default_is(world: TimescaleWorld) -> None:
    statement = "ALTER ROLE {} SET synchronous_commit = off"
    world.execute(sql.SQL(statement).format(sql.Identifier(world.role)))
    world.execute("""
        CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            NEW.metadata = jsonb_build_object('commit', current_setting('synchronous_commit'),
                'statement', current_setting('statement_timeout'), 'lock', current_setting('lock_timeout'),
                'idle', current_setting('idle_in_transaction_session_timeout'));
            RETURN NEW; END $$;
        CREATE TRIGGER note BEFORE INSERT ON sensor_data.readings FOR EACH ROW EXECUTE FUNCTION public.note()""")
    await sent(world.sink(idle_in_transaction_timeout_s=7), records(1, 1))
    [body] = world.received()
    assert body["metadata"] == {"commit": "on", "statement": "1s", "lock": "200ms", "idle": "7s"}


async def test_an_anomaly_is_written_with_its_reading_and_once(world: TimescaleWorld) -> None:
    good, odd = records(1, 2)
    metadata = {**odd.body["metadata"], "tests": "1111113", "reason": "anomaly: 9 is too much"}
    batch = [good, odd._replace(body={**odd.body, "metadata": metadata})]
    for _ in range(2):
        await sent(world.sink(), batch)
    with psycopg.connect(world.dsn) as connection:
        found = connection.execute("SELECT detector, reason, metadata FROM analytics.anomalies").fetchall()
    origin = {name: metadata[name] for name in ("gateway", "unit", "epoch", "sequence")}
    assert found == [("gateway:anomaly", "9 is too much", origin)]


def test_the_rehearsal_of_a_topic_leaves_nothing_out() -> None:
    alarms = [record(change(1), GATEWAY), record(change(2, active=False), GATEWAY)]
    built = [*records(1, 1), *alarms, *(record(entry, GATEWAY) for entry in (gap(1), rollup(1), health(1)))]
    for topic in {one.topic for one in built}:
        wanted = {query for one in built if one.topic == topic for query, _ in statements(topic, [one.body])}
        assert wanted == {query for query, _ in rehearsal([topic])}
