"""People act on alarms: at the gateway's terminal, and over MQTT; a kill forgets nothing of it."""

import json

import aiomqtt

from tests.system.farms import OXYGEN
from tests.system.listener import retained
from tests.system.processes import Gateway, ran
from tests.system.stage import Stage
from tests.system.waiting import until

LOW, CRITICAL = f"{OXYGEN}/low", f"{OXYGEN}/critical_low"


async def listed(gateway: Gateway) -> dict[str, str]:
    """The states of the two alarms of tank-1's oxygen."""
    alarms = json.loads((await ran(gateway, "alarms", "list", "--json")).stdout)["alarms"]
    return {alarm["alarm"]: alarm["state"] for alarm in alarms if alarm["alarm"] in (LOW, CRITICAL)}


async def test_alarms_are_acknowledged_and_shelved_from_the_terminal(stage: Stage) -> None:
    _, broker, listener, gateway = await stage.in_alarm()
    assert await listed(gateway) == {LOW: "unacknowledged", CRITICAL: "unacknowledged"}
    metrics = json.loads((await ran(gateway, "alarms", "metrics", "--json")).stdout)
    assert (metrics["rate_per_10_min"], metrics["standing"], metrics["stale"]) == (2, 2, [])
    assert "2 standing" in (await ran(gateway, "alarms", "metrics")).stdout
    acknowledged = await ran(gateway, "alarms", "ack", LOW, "--by", "Ana")
    assert (acknowledged.returncode, acknowledged.stdout) == (0, f"{LOW}: acknowledged\n")
    again = await ran(gateway, "alarms", "ack", LOW)
    assert again.returncode == 1
    assert "is acknowledged, where acknowledged means nothing" in again.stderr
    shelved = await ran(gateway, "alarms", "shelve", CRITICAL, "--minutes", "30", "--reason", "in the bucket")
    assert shelved.stdout.startswith(f"{CRITICAL}: shelved until ")

    await until(lambda: listener.events[-1].said["event"] == "shelved")
    states = await retained(broker.port)
    assert states[f"alarm/{LOW}/state"]["by"] == "Ana"
    assert states[f"alarm/{CRITICAL}/state"]["reason"] == "in the bucket"
    gateway.kill()
    gateway.start()
    await gateway.stores_more()
    assert await listed(gateway) == {LOW: "acknowledged", CRITICAL: "shelved"}
    log = json.loads((await ran(gateway, "alarms", "log", "--json")).stdout)["changes"]
    assert [(row["change"], row["reason"]) for row in log[:2]] == [("shelved", "in the bucket"), ("acknowledged", None)]
    assert "shelved" in (await ran(gateway, "alarms", "log")).stdout


async def test_an_order_over_mqtt_is_carried_out_and_answered(stage: Stage) -> None:
    _, broker, listener, _ = await stage.in_alarm()
    occurrence = next(event.said["occurrence"] for event in listener.events if event.said["alarm"] == LOW)
    base = "aqua/gw"
    async with aiomqtt.Client("127.0.0.1", broker.port) as phone:
        await phone.subscribe(f"{base}/result", qos=1)
        for request, ok in (
            ({"id": "1", "alarm": LOW, "occurrence": occurrence + 1, "by": "Ana"}, False),
            ({"id": "2", "alarm": LOW, "occurrence": occurrence, "by": "Ana"}, True),
        ):
            await phone.publish(f"{base}/cmd/ack", json.dumps(request), qos=1)
            result = json.loads(bytes((await anext(phone.messages)).payload))
            assert (result["id"], result["ok"]) == (request["id"], ok)
    assert (await retained(broker.port))[f"alarm/{LOW}/state"]["state"] == "acknowledged"
