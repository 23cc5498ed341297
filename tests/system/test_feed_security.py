"""A broker that asks who is there: passwords, certificates, TLS, and who may give orders."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import aiomqtt
import pytest
import trustme

from agent.clock import SystemClock
from agent.domain.alarm import AlarmChange
from agent.domain.secret import Secret
from agent.feed import Feed, MqttSettings, SparkplugSettings
from agent.feed.sparkplug import Sparkplug
from tests.agent.farm import OXYGEN
from tests.system.guarded import Guarded, client
from tests.system.stage import Stage
from tests.system.waiting import until


async def nothing_confirmed(seq: int) -> None:
    raise AssertionError("there were no changes")


async def nothing_logged(seq: int) -> Sequence[AlarmChange]:
    raise AssertionError("there were no changes")


@asynccontextmanager
async def feeding(settings: MqttSettings, orders: list[str]) -> AsyncIterator[Feed]:
    feed = Feed(settings, "gw", nothing_confirmed, nothing_logged, SystemClock())

    def command(verb: str, payload: bytes, retained: bool) -> str:
        orders.append(payload.decode())
        return "{}"

    feed.command = command
    running = asyncio.ensure_future(feed.run())
    try:
        yield feed
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def test_with_its_password_the_gateway_publishes_and_only_who_may_gives_orders(stage: Stage) -> None:
    guarded = Guarded(stage)
    await guarded.broker.serve()
    orders: list[str] = []
    async with feeding(guarded.named("gateway"), orders) as feed:
        await until(lambda: feed.trouble is None)
        for user, topic in (("display", "aqua/gw/cmd/ack"), ("technician", "aqua/gw/alarm/event")):
            with suppress(aiomqtt.MqttError):  # this broker hangs up on those who may not
                async with client(guarded.named(user)) as forger:
                    await forger.publish(topic, "forged", qos=1)
        async with client(guarded.named("technician")) as technician:
            await technician.subscribe("aqua/gw/#", qos=1)
            await technician.publish("aqua/gw/cmd/ack", "from the technician", qos=1)
            heard: dict[str, object] = {}
            async with asyncio.timeout(20):
                while "aqua/gw/result" not in heard:
                    message = await anext(technician.messages)
                    heard[message.topic.value] = message.payload
        assert orders == ["from the technician"]
        assert b"online" in bytes(heard["aqua/gw/status"])  # type: ignore[call-overload]
        assert "aqua/gw/alarm/event" not in heard


async def test_a_scada_system_may_ask_for_births_and_speak_for_no_gateway(stage: Stage) -> None:
    guarded = Guarded(stage)
    await guarded.broker.serve()
    settings, count = SparkplugSettings("farm", "gw", "plant"), stage.folder / "sparkplug.bdseq"
    node = Sparkplug(settings, guarded.named("gateway"), [OXYGEN], count, SystemClock())
    running = asyncio.ensure_future(node.run())
    try:
        for user, topic in (("scada", "spBv1.0/farm/NBIRTH/gw"), ("display", "spBv1.0/STATE/plant")):
            with suppress(aiomqtt.MqttError):
                async with client(guarded.named(user)) as forger:
                    await forger.publish(topic, b'{"online":true,"timestamp":1}', qos=1)
        async with client(guarded.named("scada")) as scada, asyncio.timeout(40):
            await scada.subscribe("spBv1.0/farm/#", qos=1)
            await scada.publish("spBv1.0/STATE/plant", b'{"online":true,"timestamp":2}', qos=1, retain=True)
            heard = [(await anext(scada.messages)).topic.value for _ in range(2)]
            assert heard == ["spBv1.0/farm/NBIRTH/gw", "spBv1.0/farm/DBIRTH/gw/tank-1"]
            running.cancel()
            assert (await anext(scada.messages)).topic.value == "spBv1.0/farm/NDEATH/gw"
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def test_with_its_certificate_the_gateway_needs_no_password(stage: Stage) -> None:
    guarded = Guarded(stage, certificates=True)
    await guarded.broker.serve()
    own = guarded.authority.issue_cert("gateway", common_name="gateway")
    own.private_key_pem.write_to_path(stage.folder / "gateway.key")
    own.cert_chain_pems[0].write_to_path(stage.folder / "gateway.pem")
    shown = replace(
        guarded.settings, cert_file=str(stage.folder / "gateway.pem"), key_file=str(stage.folder / "gateway.key")
    )
    async with feeding(shown, []) as feed:
        await until(lambda: feed.trouble is None)
    async with feeding(replace(guarded.settings, timeout_s=1), []) as feed:
        await until(lambda: feed.trouble and not feed.trouble.endswith("is not reached yet"))


# The MQTT library leaves the socket of a handshake that failed to the garbage collector.
@pytest.mark.filterwarnings("ignore:.*SSLSocket:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("wrong", "because"),
    [
        ({"password": Secret("perch", "a test")}, "look at username, password and certificate"),
        ({"username": None, "password": None}, "look at username, password and certificate"),
        ({"ca_file": "other.pem"}, "did the authority in ca_file sign the broker's certificate"),
        ({"host": "localhost"}, "did the authority in ca_file sign the broker's certificate, and for this host"),
        ({"ca_file": None, "tls": True}, "did the authority in ca_file sign the broker's certificate"),
    ],
)
async def test_what_is_wrong_is_said_with_what_to_do(stage: Stage, wrong: dict[str, object], because: str) -> None:
    guarded = Guarded(stage)
    await guarded.broker.serve()
    if wrong.get("ca_file"):
        trustme.CA().cert_pem.write_to_path(stage.folder / "other.pem")
        wrong = wrong | {"ca_file": str(stage.folder / "other.pem")}
    settings = replace(guarded.named("gateway"), **wrong)  # type: ignore[arg-type]
    async with feeding(settings, []) as feed:
        await until(lambda: because in (feed.trouble or ""), what=because)
    assert "shoal" not in str(feed.trouble)
    assert "perch" not in str(feed.trouble)
