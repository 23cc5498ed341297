"""A cloud that is away, sick or a black hole: alarms and the archive do not notice, and nothing is lost."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from simulators.farm import Farm
from simulators.ingest import IngestServer, Misbehaviour
from tests.system.deliveries import all_is_delivered
from tests.system.farms import ARCHIVE, CLOUD, CRITICAL, LOW, NOT_CRITICAL, NOT_LOW
from tests.system.listener import Listener
from tests.system.processes import Gateway
from tests.system.stage import Stage, ingest
from tests.system.waiting import until


async def told(gateway: Gateway, *states: str) -> dict[str, Any]:
    """What `status` tells of the cloud once it is in one of these states."""

    def look(status: dict[str, Any]) -> dict[str, Any] | None:
        (counts,) = (row for row in status["sinks"] if row["sink"] == "cloud")
        (state,) = (row for row in status["gateway"]["sinks"] if row["name"] == "cloud")
        return {**counts, **state} if state["state"] in states else None

    return await gateway.status_tells(look) or {}


async def one_failure(farm: Farm, listener: Listener) -> float:
    """An aeration failure and its end; returns the longest time from a reading to its alarm on MQTT."""
    heard = len(listener.events)
    farm.pond("tank-1").aerating = False
    await listener.hears(LOW, CRITICAL)
    farm.pond("tank-1").aerating = True
    await listener.hears(NOT_CRITICAL, NOT_LOW)
    return max(event.latency_s for event in listener.events[heard:])


def away(server: IngestServer) -> None:
    server.__exit__(None, None, None)


def back(server: IngestServer) -> None:
    server.misbehave = Misbehaviour()
    server.__enter__()


@pytest.mark.parametrize("how", ["away", "500", "hanging"])
async def test_a_sick_cloud_delays_nobody_and_gets_everything_later(stage: Stage, how: str) -> None:
    farm, broker = await stage.farm(), await stage.broker()
    cloud = ingest(farm)
    listener = await stage.listener(broker.port)
    gateway = stage.gateway(farm, broker.port, sinks="archive cloud")
    gateway.start()
    await all_is_delivered_after_some(gateway, cloud)

    if how == "away":
        away(cloud)
    cloud.misbehave = Misbehaviour(status=500 if how == "500" else None, hang=how == "hanging")
    arrived = len(cloud.records)
    farm.pond("tank-1").aerating = False
    await listener.hears(LOW, CRITICAL)
    await all_is_delivered(gateway, stage.archived)
    assert len(cloud.records) <= arrived + 50  # at most the requests that were under way
    sick = await told(gateway, "waiting")
    assert sick["last_error"]
    assert sick["backlog"] > 0

    away(cloud)
    back(cloud)
    await all_is_delivered(gateway, lambda: cloud.records, within_s=45)
    assert gateway.rows("SELECT count(*) FROM gaps") == [(0,)]


async def all_is_delivered_after_some(gateway: Gateway, cloud: IngestServer) -> None:
    await gateway.stores_more()
    await all_is_delivered(gateway, lambda: cloud.records)


async def test_a_cloud_that_refuses_the_key_is_told_and_gets_everything_once_the_key_is_right(stage: Stage) -> None:
    farm = await stage.farm()
    cloud = ingest(farm)
    gateway = stage.gateway(farm, sinks="archive cloud")
    (stage.folder / "ingest.secret").write_text("yesterday's-key\n")
    gateway.start()
    await gateway.stores_more()
    assert "401" in (await told(gateway, "misconfigured"))["last_error"]
    assert "yesterday" not in gateway.said
    await all_is_delivered(gateway, stage.archived)
    assert cloud.records == []

    assert await gateway.stop() == 0
    (stage.folder / "ingest.secret").write_text("test-key\n")
    gateway.start()
    await gateway.stores_more()
    await all_is_delivered(gateway, lambda: cloud.records)
    assert gateway.rows("SELECT count(*) FROM gaps") == [(0,)]


@contextmanager
def black_hole() -> Iterator[str]:
    """The address of a server whose queue is full: connecting to it neither succeeds nor fails."""
    with ExitStack() as closing, socket.create_server(("127.0.0.9", 0), backlog=0) as server:
        address = server.getsockname()
        for _ in range(4):
            filler = closing.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(address)
        yield f"http://127.0.0.9:{address[1]}/ingest"


async def test_a_black_hole_delays_no_alarm(stage: Stage) -> None:
    farm, broker = await stage.farm(), await stage.broker()
    listener = await stage.listener(broker.port)
    with black_hole() as hole:
        sinks = ARCHIVE + CLOUD.format(url=ingest(farm).url) + CLOUD.format(url=hole).replace(".cloud", ".hole")
        healthy = stage.gateway(farm, broker.port, sinks="archive cloud")
        healthy.start()
        usual_s = await one_failure(farm, listener)
        assert await healthy.stop() == 0
        stuck = stage.gateway(farm, broker.port, sinks)
        stuck.start()
        await until(lambda: "sink hole is waiting" in stuck.said)
        assert await one_failure(farm, listener) < usual_s + 4.0
        await all_is_delivered(stuck, lambda: ingest(farm).records)
        assert await stuck.stop(within_s=5) == 0
