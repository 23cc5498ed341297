"""Home Assistant at the broker: it finds the gateway, and its buttons acknowledge."""

import asyncio
import json
import re
from datetime import UTC, datetime
from typing import Any

import aiomqtt

from tests.system.farms import OXYGEN
from tests.system.stage import Stage

CONFIG = "homeassistant/device/aqua_gw/config"
GHOST = {"components": {"aqua_ghost": {"platform": "sensor", "unique_id": "aqua_ghost", "state_topic": "x"}}}


async def test_it_finds_the_gateway_and_acknowledges_an_alarm(stage: Stage) -> None:
    farm, broker = await stage.farm(), await stage.broker()
    gateway = stage.gateway(farm, broker.port)
    gateway.config.write_text(gateway.config.read_text().replace("[mqtt]", "[mqtt]\nhome_assistant = true"))
    async with aiomqtt.Client("127.0.0.1", broker.port) as house, asyncio.timeout(60):
        await house.publish(CONFIG, json.dumps(GHOST), qos=1, retain=True)
        gateway.start()
        await house.subscribe(CONFIG, qos=1)
        found: dict[str, Any] = {}
        while (
            "aqua_gw" not in found.get("device", {}).get("identifiers", []) or "aqua_ghost" not in found["components"]
        ):
            found = await next_json(house)
        components = found["components"]
        assert components.pop("aqua_ghost") == {"platform": "sensor"}
        alarm = components[f"aqua_gw_{OXYGEN}/low".replace("/", "_")]
        button = components[alarm["unique_id"] + "_ack"]

        await house.subscribe(alarm["state_topic"], qos=1)
        farm.pond("tank-1").aerating = False
        while not (await next_json(house)).get("active"):
            pass
        now = datetime.now(UTC).isoformat()
        order = re.sub(r"{{ utcnow\(\).isoformat\(\) }}", now, button["command_template"])
        await house.publish(button["command_topic"], order, qos=1)
        said: dict[str, Any] = {}
        while said.get("event") != "acknowledged":
            said = await next_json(house)
        assert (said["state"], said["by"]) == ("acknowledged", "Home Assistant")

        await house.publish("homeassistant/status", "online", qos=1)
        while "components" not in await next_json(house):
            pass


async def next_json(client: aiomqtt.Client) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(bytes((await anext(client.messages)).payload))
    return said
