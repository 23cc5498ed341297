"""The gateway as an edge node, with real Mosquitto and Eclipse Tahu's decoder between it and the SCADA system."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import pairwise
from pathlib import Path

import pytest

from agent.clock import SystemClock
from agent.feed import MqttSettings, SparkplugSettings
from agent.feed.sparkplug import Sparkplug, publisher
from tests.agent.farm import OXYGEN, WARMTH, checked
from tests.services.service import free_port
from tests.services.tahu import Tahu
from tests.system.processes import Mosquitto
from tests.system.scada import Scada
from tests.system.stage import Stage
from tests.system.waiting import until

ALARM = "Alarms/do-1/dissolved_oxygen/low"


@asynccontextmanager
async def running(part: Sparkplug | Scada) -> AsyncIterator[None]:
    task = asyncio.ensure_future(part.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def scada(port: int, tahu: Tahu) -> AsyncIterator[Scada]:
    host = Scada(port, tahu)
    async with running(host):
        await host.subscribed.wait()
        yield host


def sparkplug(port: int, folder: Path, primary_host: str | None = None) -> Sparkplug:
    settings, mqtt = SparkplugSettings("farm", "gw", primary_host), MqttSettings(port=port)
    return Sparkplug(settings, mqtt, [OXYGEN, WARMTH], folder / "sparkplug.bdseq", SystemClock())


async def test_a_host_sees_the_farm_its_alarms_and_the_death_of_the_gateway(stage: Stage, tahu: Tahu) -> None:
    farm, broker = await stage.farm(), await stage.broker()
    farm.twin("ph-1").faults.silence = True
    gateway = stage.gateway(farm, broker.port)
    wanted = '[mqtt]\nreadings_every_s = 0.2\nsparkplug = { group_id = "farm" }'
    gateway.config.write_text(gateway.config.read_text().replace("[mqtt]", wanted))
    async with scada(broker.port, tahu) as host:
        gateway.start()
        await host.hears("DBIRTH/gw/tank-2")
        assert host.topics[:3] == ["NBIRTH/gw", "DBIRTH/gw/tank-1", "DBIRTH/gw/tank-2"]
        assert host.said[0].value("bdSeq") == 0

        farm.pond("tank-1").aerating = False
        await until(lambda: any(one.metrics.get(f"{ALARM}/active", {}).get("booleanValue") for one in host.said), 40)
        raised = next(one for one in host.said if f"{ALARM}/active" in one.metrics and one.topic.startswith("DDATA"))
        assert raised.value(f"{ALARM}/state") == "unacknowledged"
        assert "is below 6" in raised.value(f"{ALARM}/message")
        # In the births, or later: who knows whether it was read before them.
        silent = await until(lambda: [one for one in host.said if "no reply" in str(one.metrics.get("ph-1/ph"))], 40)
        assert (silent[0].value("ph-1/ph"), silent[0].property("ph-1/ph", "Quality")) == (None, 0)

        gateway.kill()
        assert (await host.hears("NDEATH/gw")).value("bdSeq") == 0
        gateway.start()
        assert (await host.hears("NBIRTH/gw", 2)).value("bdSeq") == 1
        assert (await host.hears("DBIRTH/gw/tank-1", 2)).value(f"{ALARM}/active") is True
        await host.hears("DDATA/gw/tank-1", host.topics.count("DDATA/gw/tank-1") + 1)
        assert await gateway.stop() == 0
        assert (await host.hears("NDEATH/gw", 2)).value("bdSeq") == 1
    assert host.topics[-1] == "NDEATH/gw"
    alive = [one for one in host.said if one.topic != "NDEATH/gw"]
    for earlier, later in pairwise(alive):
        assert later.seq == (0 if later.topic == "NBIRTH/gw" else ((earlier.seq or 0) + 1) % 256)


async def test_a_host_that_comes_late_asks_for_births(
    stage: Stage, tahu: Tahu, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publisher, "_BIRTHS_APART_S", 0.1)
    broker = await stage.broker()
    node = sparkplug(broker.port, stage.folder)
    async with running(node):
        await until(lambda: node.trouble is None)
        node.tell_readings([checked(1, 7.25)])
        async with scada(broker.port, tahu) as host:
            assert (await host.hears("NBIRTH/gw")).value("bdSeq") == 0
            assert (await host.hears("DBIRTH/gw/tank-1")).value("do-1/oxygen") == 7.25
            await host.asks_for_births()
            assert (await host.hears("NBIRTH/gw", 2)).value("bdSeq") == 0
    assert (stage.folder / "sparkplug.bdseq").read_text() == "0"


async def test_births_that_the_broker_hands_to_nobody_are_missed(stage: Stage) -> None:
    acl = stage.folder / "acl"
    acl.write_text("topic readwrite aqua/#\n")
    acl.chmod(0o600)
    broker = stage.process(Mosquitto(stage.folder, free_port(), f"allow_anonymous true\nacl_file {acl}"))
    await broker.serve()
    node = sparkplug(broker.port, stage.folder)
    async with running(node):
        # Mosquitto drops them without a word, or hangs up as well.
        words = "the births have not come back", "lost before it was of use; may the gateway's user write"
        await until(lambda: any(one in (node.trouble or "") for one in words))


async def test_a_broker_that_comes_back_hears_of_another_birth(stage: Stage, tahu: Tahu) -> None:
    broker = await stage.broker()
    node = sparkplug(broker.port, stage.folder)
    async with scada(broker.port, tahu) as host, running(node):
        first = await host.hears("NBIRTH/gw")
        broker.kill()
        await until(lambda: node.trouble)
        node.tell_readings([checked(1, 7.25)])
        await broker.serve()
        again = await host.hears("NBIRTH/gw", host.topics.count("NBIRTH/gw") + 1)
        assert again.value("bdSeq") > first.value("bdSeq")
        tank = await host.hears("DBIRTH/gw/tank-1", 2)
        assert tank.value("do-1/oxygen") == 7.25
        assert node.trouble is None


async def test_a_node_with_a_primary_host_lives_as_long_as_that_is_online(stage: Stage, tahu: Tahu) -> None:
    broker = await stage.broker()
    node = sparkplug(broker.port, stage.folder, "scada")
    async with scada(broker.port, tahu) as host, running(node):
        await until(lambda: node.trouble == "the primary host scada is not online")
        assert host.said == []
        assert node.status() == {"node": "spBv1.0/farm/+/gw", "trouble": "the primary host scada is not online"}
        await host.is_online(True, 1000)
        born = await host.hears("NBIRTH/gw")
        await host.is_online(False, 900)
        node.tell_readings([checked(1, 7.25)])
        await host.hears("DDATA/gw/tank-1")
        await host.is_online(False, 1100)
        assert (await host.hears("NDEATH/gw")).value("bdSeq") == born.value("bdSeq")
        await host.is_online(True, 1200)
        assert (await host.hears("NBIRTH/gw", 2)).value("bdSeq") == born.value("bdSeq") + 1


async def test_a_bug_ends_the_node_and_nothing_else(
    stage: Stage, tahu: Tahu, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broker = await stage.broker()
    node = sparkplug(broker.port, stage.folder)
    async with scada(broker.port, tahu) as host, running(node):
        await host.hears("DBIRTH/gw/tank-1")
        monkeypatch.setattr(node.node, "data", lambda: 1 / 0)
        node.tell_readings([checked(1, 7.25)])
        await host.hears("NDEATH/gw")
        await until(lambda: node.trouble and "ZeroDivisionError" in node.trouble)
    assert "A bug in Sparkplug B; everything else goes on" in caplog.text
