"""Shows the gateway to the real Home Assistant and says what comes of it: `python -m tests.home_assistant PYTHON3.13`.

Every sensor and alarm becomes an entity with value and unit; an alarm is acknowledged by its button; a dead gateway is
unavailable; what is taken out of the configuration goes, also if Home Assistant was away meanwhile.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from tests.services.service import free_port
from tests.system.processes import ROOT, Gateway
from tests.system.stage import Stage

VERSION = "2025.4.4"  # the newest for Python 3.13.0; with what its mqtt, frontend and image_upload ask for
PACKAGES = (
    f"homeassistant=={VERSION}", "paho-mqtt==2.1.0", "home-assistant-frontend==20250411.0", "numpy==2.2.2",
    "Pillow==11.1.0",
)  # fmt: skip
PH_1 = (
    '[[probes]]\nname = "ph-1"\ntank = "tank-1"\nbus = "rs485"\nprofile = "seeed-s-ph-01"\nunit = 2\nperiod_s = 0.2\n'
)
LOW = "binary_sensor.gw_tank_1_do_1_dissolved_oxygen_low"
ACKNOWLEDGE = "button.gw_acknowledge_tank_1_do_1_dissolved_oxygen_low"
States = Mapping[str, Mapping[str, Any]]


class House:
    """Home Assistant as a child process; it remembers over a restart."""

    def __init__(self, python: Path, folder: Path, broker_port: int) -> None:
        self._port = free_port()
        self._log = folder / "home-assistant.log"
        script = str(ROOT / "tests" / "home_assistant" / "house.py")
        self._command = [str(python), script, str(folder / "home-assistant"), str(broker_port), str(self._port)]

    async def __aenter__(self) -> "House":
        with self._log.open("ab") as log:
            self._child = subprocess.Popen(self._command, stdout=subprocess.PIPE, stderr=log, text=True)
        assert self._child.stdout is not None
        self._token = (await asyncio.to_thread(self._child.stdout.readline)).strip()
        assert self._token, self._log.read_text()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._child.terminate()
        self._child.communicate()

    def ask(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._port}/api/{path}",
            None if body is None else json.dumps(body).encode(),
            {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return json.load(answer)

    async def shows(self, what: str, look: Callable[[States], bool]) -> States:
        for _ in range(600):
            found = await asyncio.to_thread(self.ask, "states")
            states = {one["entity_id"]: one for one in found if one["entity_id"].split(".")[1].startswith("gw_")}
            if look(states):
                print(f"ok: {what}", flush=True)
                return states
            await asyncio.sleep(0.1)
        raise AssertionError(f"not seen within a minute: {what}; Home Assistant said {self._log.read_text()[-3000:]}")


def state(states: States, entity: str) -> Any:
    return states[entity]["state"] if entity in states else None


async def seen(stage: Stage, python: Path) -> None:
    farm, broker = await stage.farm(), await stage.broker()
    gateway = stage.gateway(farm, broker.port)
    whole = gateway.config.read_text().replace("[mqtt]", "[mqtt]\nhome_assistant = true")
    gateway.config.write_text(whole)
    gateway.start()
    async with House(python, stage.folder, broker.port) as house:
        states = await house.shows("every sensor has a value", _all_measured)
        for entity, one in sorted(states.items()):
            if entity.startswith("sensor."):
                print(f"    {entity} {one['state']} {one['attributes'].get('unit_of_measurement', '')}")
        print(f"    {sum(entity.startswith('binary_sensor.') for entity in states)} alarms, as many buttons")
        farm.pond("tank-1").aerating = False
        await house.shows("the alarm is on", lambda states: state(states, LOW) == "on")
        house.ask("services/button/press", {"entity_id": ACKNOWLEDGE})
        await house.shows(
            "its button acknowledges it",
            lambda states: states[LOW]["attributes"].get("alarm_state") == "acknowledged",
        )
        farm.pond("tank-1").aerating = True
        await house.shows("the alarm is off", lambda states: state(states, LOW) == "off")
        gateway.kill()
        await house.shows(
            "all of a dead gateway is unavailable",
            lambda states: {one["state"] for one in states.values()} == {"unavailable"},
        )
    await _without(PH_1, whole, gateway)
    async with House(python, stage.folder, broker.port) as house:
        await house.shows(
            "a sensor taken out while Home Assistant was away is gone, the others are back",
            lambda states: state(states, LOW) == "off" and not any("_ph_1_" in entity for entity in states),
        )
    assert "mqtt" not in (stage.folder / "home-assistant.log").read_text().lower(), "it complains of MQTT"


def _all_measured(states: States) -> bool:
    sensors = [one["state"] for entity, one in states.items() if entity.startswith("sensor.")]
    return len(sensors) == 10 and not {"unknown", "unavailable"} & set(sensors)


async def _without(table: str, whole: str, gateway: Gateway) -> None:
    assert table in whole
    gateway.config.write_text(whole.replace(table, ""))
    gateway.start()
    await gateway.stores_more()


async def main(python: str) -> None:
    own = ROOT / "build" / "home-assistant"
    if not (own / "bin" / "hass").exists():
        subprocess.run([python, "-m", "venv", own], check=True)
        subprocess.run([own / "bin" / "pip", "install", "-q", "--disable-pip-version-check", *PACKAGES], check=True)
    with tempfile.TemporaryDirectory() as folder:
        async with AsyncExitStack() as closing:
            await seen(Stage(Path(folder), closing), own / "bin" / "python")
    print(f"Home Assistant {VERSION} takes all of it")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
