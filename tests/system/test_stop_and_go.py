"""Stopping and starting: quickly, with everything stored, and where it left off."""

import asyncio
import signal
import time
from datetime import datetime

import pytest

from simulators.ingest import Misbehaviour
from tests.system.processes import Process
from tests.system.stage import Stage, ingest
from tests.system.waiting import until


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_stop_stores_what_waited_for_the_next_commit(stage: Stage, number: signal.Signals) -> None:
    farm, broker = await stage.farm(), await stage.broker()
    listener = await stage.listener(broker.port)
    gateway = stage.gateway(farm, broker.port)
    gateway.config.write_text(gateway.config.read_text().replace("commit_s = 0.2", "commit_s = 60"))
    gateway.start()
    await until(lambda: listener.status == ["online"])
    first = await until(gateway.stored)  # the start counts as done when the first answer is on the disk
    await asyncio.sleep(3)
    assert gateway.stored() == first
    told_s = time.time()
    gateway.child.send_signal(number)
    assert await gateway.ended() == 0
    assert gateway.stored() > first
    newest = datetime.fromisoformat(gateway.rows("SELECT max(time_utc) FROM reading")[0][0])
    assert told_s - newest.timestamp() < 2


async def test_the_next_start_goes_on_in_the_same_ring_buffer(stage: Stage) -> None:
    gateway = stage.gateway(await stage.farm())
    newest = []
    for _ in range(3):
        gateway.start()
        newest.append(await gateway.stores_more())
        assert await gateway.stop() == 0
    count, first, last = gateway.rows("SELECT count(*), min(seq), max(seq) FROM readings")[0]
    assert (count, first) == (last, 1)
    assert newest == sorted(newest)
    assert gateway.rows("SELECT count(*), count(DISTINCT sensor_id) FROM sensors") == [(10, 10)]


async def test_an_alarm_that_stands_is_not_raised_again_by_a_restart(stage: Stage) -> None:
    _, _, listener, gateway = await stage.in_alarm()
    assert await gateway.stop() == 0
    gateway.start()
    await gateway.stores_more(40)
    assert len(listener.events) == 2


async def test_a_broker_that_hangs_does_not_hold_up_the_stop(stage: Stage) -> None:
    farm, broker = await stage.farm(), await stage.broker()
    listener = await stage.listener(broker.port)
    gateway = stage.gateway(farm, broker.port)
    gateway.start()
    await until(lambda: listener.status == ["online"])
    await gateway.stores_more()
    broker.pause()
    began = time.monotonic()
    assert await gateway.stop(within_s=30) == 0
    assert time.monotonic() - began < 5


async def test_a_gateway_that_is_stopped_while_it_greets_the_broker_is_offline(stage: Stage) -> None:
    farm, broker = await stage.farm(), await stage.broker()
    listener = await stage.listener(broker.port)
    gateway = stage.gateway(farm, broker.port)
    gateway.start()
    while not listener.status:
        await asyncio.sleep(0)  # "online" is the first word of a greeting of some milliseconds
    broker.pause()
    await gateway.stores_more()
    assert await gateway.stop() == 0
    broker.resume()
    # Its own word and, if the broker saw the connection end before it, the will: the same word twice does no harm.
    await until(lambda: listener.status[1:] in (["offline"], ["offline"] * 2))


async def test_a_cloud_that_hangs_does_not_hold_up_the_stop(stage: Stage) -> None:
    farm = await stage.farm()
    ingest(farm).misbehave = Misbehaviour(hang=True)
    gateway = stage.gateway(farm, sinks="archive cloud")
    gateway.start()
    await gateway.stores_more()
    began = time.monotonic()
    assert await gateway.stop() == 0
    assert time.monotonic() - began < 5


async def test_a_second_gateway_on_the_same_ring_buffer_is_refused(stage: Stage) -> None:
    gateway = stage.gateway(await stage.farm())
    gateway.start()
    await gateway.stores_more()
    second = stage.process(Process("second", gateway.arguments, stage.folder))
    second.start()
    assert await second.ended() == 1
    assert str(gateway.database.parent) in second.said
    assert "cannot be stored" not in gateway.said
