"""A broker that asks who is there: passwords, certificates, TLS, and who may give orders."""

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import aiomqtt
import pytest
import trustme

from agent.clock import SystemClock
from agent.domain.alarm import AlarmChange
from agent.domain.secret import Secret
from agent.feed import Feed, MqttSettings
from tests.services.mosquitto import program
from tests.system.processes import ROOT, Mosquitto
from tests.system.stage import Stage
from tests.system.waiting import free_port, until

ACL = ROOT / "systemd" / "mosquitto.acl"
PASSWORD = Secret("shoal", "a test")


class Guarded:
    """A broker behind TLS with the shipped ACL; its certificate is for 127.0.0.1."""

    def __init__(self, stage: Stage, certificates: bool = False) -> None:
        folder = stage.folder
        self.authority = trustme.CA()
        self.authority.cert_pem.write_to_path(folder / "ca.pem")
        own = self.authority.issue_cert("127.0.0.1")
        own.private_key_and_cert_chain_pem.write_to_path(folder / "broker.pem")
        acl = folder / "acl"
        acl.write_text(ACL.read_text())
        acl.chmod(0o600)
        if certificates:
            who = "require_certificate true\nuse_identity_as_username true"
        else:
            who = f"password_file {passwords(folder)}"
        access = (
            f"cafile {folder}/ca.pem\ncertfile {folder}/broker.pem\nkeyfile {folder}/broker.pem\n"
            f"allow_anonymous false\nacl_file {acl}\n{who}"
        )
        self.broker = stage.process(Mosquitto(folder, free_port(), access))
        self.settings = MqttSettings("127.0.0.1", self.broker.port, ca_file=str(folder / "ca.pem"))

    def named(self, user: str) -> MqttSettings:
        return replace(self.settings, username=user, password=PASSWORD)


def passwords(folder: Path) -> Path:
    """Everybody's password is the same."""
    path = folder / "passwords"
    path.touch(0o600)
    tool = Path(program()).parents[1] / "bin" / "mosquitto_passwd"
    for user in ("gateway", "display", "technician"):
        subprocess.run([tool, "-b", path, user, PASSWORD.reveal()], check=True, capture_output=True)
    return path


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


def client(settings: MqttSettings) -> aiomqtt.Client:
    context = ssl.create_default_context(cafile=settings.ca_file)
    assert settings.password is not None
    return aiomqtt.Client(
        settings.host,
        settings.port,
        username=settings.username,
        password=settings.password.reveal(),
        tls_context=context,
    )


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
