"""Two commands as the README shows them: `simulate` with its own broker and cloud, and `run`."""

import sys

from tests.agent.gateway_file import write_secret
from tests.services.service import free_port
from tests.system.deliveries import all_is_delivered
from tests.system.farms import ARCHIVE, CLOUD, CRITICAL, FARM, LOW, NOT_CRITICAL, NOT_LOW, OXYGEN, gateway_toml
from tests.system.listener import retained, standing
from tests.system.processes import Gateway, Process
from tests.system.stage import Stage
from tests.system.waiting import answers, until


async def test_a_simulated_farm_with_its_embedded_broker_serves_the_gateway(stage: Stage) -> None:
    broker, lan, cloud = free_port(), free_port(), free_port()
    failures = "aeration_failures = [{ at_s = 1, for_s = 4, every_s = 12 }]"
    text = FARM.replace("tcp = 0", f"tcp = {lan}").replace("port = 0", f"port = {cloud}")
    text = text.replace("feeding_raises_by = 0", f"feeding_raises_by = 0\n{failures}")
    file = stage.folder / "farm.toml"
    file.write_text(f"{text}[broker]\nport = {broker}\n")
    farm = stage.process(Process("farm", [sys.executable, "-m", "agent", "simulate", str(file)], stage.folder))
    farm.start()
    await until(lambda: answers(broker) and answers(cloud))
    listener = await stage.listener(broker)
    write_secret(stage.folder / "ingest.secret", "test-key")
    sinks = ARCHIVE + CLOUD.format(url=f"http://127.0.0.1:{cloud}/ingest")
    gateway = stage.process(Gateway(stage.folder, gateway_toml(lan, broker, sinks)))
    gateway.start()
    await listener.hears(LOW, CRITICAL)
    assert await standing(broker) == {f"{OXYGEN}/low", f"{OXYGEN}/critical_low"}
    await listener.hears(NOT_CRITICAL, NOT_LOW)
    await all_is_delivered(gateway, stage.archived)
    (delivered,) = gateway.rows("SELECT delivered FROM cursors WHERE sink = 'cloud' AND stream = 'readings'")[0]
    assert delivered > 0
    gateway.kill()
    await until(lambda: listener.status[-1] == "offline")
    assert (await retained(broker))["status"]["state"] == "offline"
    assert await farm.stop() == 0
    assert not (stage.folder / "ttyRS485").is_symlink()
