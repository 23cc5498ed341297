"""Alarms by other ways than MQTT: a program that does not work yet, a killed gateway, and nothing is lost."""

import json
from pathlib import Path
from typing import Any

from tests.system.stage import Stage
from tests.system.waiting import until

_SIREN = """
[notify.siren]
kind = "command"
command = ["/bin/sh", "-c", "echo >> tries; test -e works && cat >> told || exit 75"]
"""


def told(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


async def test_a_siren_hears_after_a_kill_what_it_could_not_hear_before(stage: Stage) -> None:
    folder = stage.folder
    siren = _SIREN.replace("tries;", f"{folder}/tries;").replace(" works", f" {folder}/works").replace(
        " told", f" {folder}/told"
    )  # fmt: skip
    farm, broker = await stage.farm(), await stage.broker()
    listener = await stage.listener(broker.port)
    gateway = stage.gateway(farm, broker.port, siren)
    gateway.start()
    await gateway.stores_more()
    farm.pond("tank-1").aerating = False
    await until(lambda: len([one for one in listener.events if one.said["event"] == "raised"]) >= 2)
    await until((folder / "tries").exists)
    assert "again later" in await gateway.status_tells(lambda status: status["gateway"]["notify"][0]["trouble"])
    gateway.kill()
    (folder / "works").touch()
    gateway.start()
    raised = [one.said["alarm"] for one in listener.events if one.said["event"] == "raised"]
    await until(lambda: [one["alarm"] for one in told(folder / "told")][:2] == raised[:2])
    assert {one["gateway"] for one in told(folder / "told")} == {"gw"}
