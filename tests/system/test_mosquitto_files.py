"""The Mosquitto files in systemd/, run by a real Mosquitto: who gets in, who may look, who may command."""

import asyncio
from collections import defaultdict
from contextlib import AsyncExitStack, suppress
from dataclasses import replace

import aiomqtt
import pytest

from agent.domain.secret import Secret
from agent.feed import MqttSettings
from tests.system.guarded import PASSWORD, USERS, Guarded, client
from tests.system.stage import Stage
from tests.system.test_nobody_listens import open_ports
from tests.system.waiting import until

FEED = ("aqua/gw/status", "aqua/gw/alarm/event", "aqua/gw/result")
ORDERS = ("aqua/gw/cmd/ack", "aqua/gw/cmd/shelve")
TOLD = tuple(f"spBv1.0/farm/{kind}/gw" for kind in ("NBIRTH", "NDATA", "NDEATH", "DBIRTH/gw", "DDATA/gw"))
ASKED, STATE = "spBv1.0/farm/NCMD/gw", "spBv1.0/STATE/scada"
DISCOVERY, BIRTH = "homeassistant/device/aqua_gw/config", "homeassistant/status"
ENDS = {(FEED[0], "the end"), (TOLD[0], "the end")}
MAY_WRITE = {
    "gateway": {*FEED, *ORDERS, DISCOVERY, *TOLD},
    "display": set[str](),
    "technician": {*ORDERS},
    "homeassistant": {"aqua/gw/cmd/ack", DISCOVERY, BIRTH},
    "scada": {ASKED, STATE},
    "stranger": set[str](),
}
MAY_READ = {
    "gateway": {*FEED, *ORDERS, DISCOVERY, BIRTH, TOLD[0], ASKED, STATE},
    "display": {*FEED, *ORDERS},
    "technician": {*FEED, *ORDERS},
    "homeassistant": {*FEED, *ORDERS, DISCOVERY, BIRTH},
    "scada": {*TOLD, ASKED, STATE},
    "stranger": set[str](),
}


# The MQTT library leaves the socket of a handshake that failed to the garbage collector.
@pytest.mark.filterwarnings("ignore:.*SSLSocket:pytest.PytestUnraisableExceptionWarning")
async def test_nobody_gets_in_without_name_and_password_and_others_only_with_tls(stage: Stage) -> None:
    guarded = Guarded(stage)
    await guarded.broker.serve()
    tables = open_ports(guarded.broker.child.pid)
    open_to_all = f":{guarded.settings.port:04X}"
    assert sorted(tables["tcp"]) == sorted([f"0100007F:{guarded.local_port:04X}", f"00000000{open_to_all}"])
    assert all(address.endswith(open_to_all) for address in tables.get("tcp6", []))

    local = replace(guarded.settings, port=guarded.local_port, ca_file=None)
    unencrypted = replace(guarded.named("technician"), ca_file=None, timeout_s=2)
    refused = [unencrypted, replace(local, ca_file=guarded.settings.ca_file)]
    for listener in (local, guarded.settings):
        assert await gets_in(replace(listener, username="technician", password=PASSWORD))
        refused += [
            listener,
            replace(listener, username="technician"),
            replace(listener, username="technician", password=Secret("perch", "a test")),
            replace(listener, username="nobody", password=PASSWORD),
        ]
    assert [who for who in refused if await gets_in(who)] == []


async def gets_in(settings: MqttSettings) -> bool:
    try:
        async with client(settings):
            return True
    except aiomqtt.MqttError:
        return False


async def test_who_may_look_and_who_may_command_is_as_the_list_says(stage: Stage) -> None:
    """Everybody listens to everything, and everybody writes everywhere."""
    guarded = Guarded(stage)
    await guarded.broker.serve()
    heard: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)

    async def listen(who: str, ears: aiomqtt.Client) -> None:
        async for message in ears.messages:
            assert isinstance(message.payload, bytes)
            heard[who].add((message.topic.value, message.payload.decode()))

    async with AsyncExitStack() as closing:
        listening = []
        for user in USERS:
            ears = await closing.enter_async_context(client(guarded.named(user)))
            await ears.subscribe("#", qos=1)
            listening.append(asyncio.ensure_future(listen(user, ears)))
        for user in USERS:
            for topic in (*FEED, *ORDERS, DISCOVERY, BIRTH, *TOLD, ASKED, STATE):
                with suppress(aiomqtt.MqttError):  # this broker hangs up on those who may not
                    async with client(guarded.named(user)) as writer:
                        await writer.publish(topic, user, qos=1)
        async with client(guarded.named("gateway")) as writer:
            for topic, said in ENDS:
                await writer.publish(topic, said, qos=1)
        await until(lambda: all(MAY_READ[user].isdisjoint(dict(ENDS)) or heard[user] & ENDS for user in USERS))
        for one in listening:
            one.cancel()
    written = {(topic, user) for user in USERS for topic in MAY_WRITE[user]} | ENDS
    assert {user: heard[user] for user in USERS} == {
        user: {(topic, writer) for topic, writer in written if topic in MAY_READ[user]} for user in USERS
    }


@pytest.mark.parametrize("certificates", [False, True])
async def test_nothing_in_the_files_is_out_of_date_or_said_twice(stage: Stage, certificates: bool) -> None:
    guarded = Guarded(stage, certificates)
    await guarded.broker.serve()
    complaints = [line for line in guarded.broker.said.splitlines() if "Error" in line or "Warning" in line]
    assert [line for line in complaints if "run as root" not in line] == []
