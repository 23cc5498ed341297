"""One aeration failure on its whole way: water, probe, alarm, MQTT, ring buffer, archive, cloud."""

import gzip
import json
import subprocess

from tests.system.deliveries import all_is_delivered
from tests.system.farms import CRITICAL, FARM, LOW, NOT_CRITICAL, NOT_LOW, OXYGEN
from tests.system.listener import retained, standing
from tests.system.stage import Stage, ingest
from tests.system.waiting import until


async def test_an_aeration_failure_is_alarmed_cleared_and_delivered(stage: Stage) -> None:
    farm, broker = await stage.farm(), await stage.broker()
    listener = await stage.listener(broker.port)
    gateway = stage.gateway(farm, broker.port, sinks="archive cloud")
    gateway.start()
    await gateway.stores_more()

    farm.pond("tank-1").aerating = False
    await listener.hears(LOW, CRITICAL)
    assert await standing(broker.port) == {f"{OXYGEN}/low", f"{OXYGEN}/critical_low"}
    state = (await retained(broker.port))[f"alarm/{OXYGEN}/critical_low/state"]
    assert (state["priority"], state["limit"], state["unit"], state["occurrence"]) == ("critical", 4.0, "mg/L", 1)
    assert state["value"] < 4.0

    farm.pond("tank-1").aerating = True
    await listener.hears(NOT_CRITICAL, NOT_LOW)
    assert await standing(broker.port) == set()
    assert listener.seqs == sorted(listener.seqs)
    assert len(listener.events) == 4

    await all_is_delivered(gateway, stage.archived)
    await all_is_delivered(gateway, lambda: ingest(farm).records)
    await until(lambda: [r["metadata"]["sequence"] for r in stage.archived("sensor-alerts")] == listener.seqs)


async def test_two_alarms_raised_by_one_reading_both_reach_the_cloud(stage: Stage) -> None:
    farm, broker = await stage.farm(FARM.replace("speed = 1200", "speed = 0")), await stage.broker()
    listener = await stage.listener(broker.port)
    gateway = stage.gateway(farm, broker.port, sinks="cloud")
    gateway.start()
    await gateway.stores_more()
    farm.pond("tank-1").aerating = False
    farm.clock.skip(1800)
    await listener.hears(LOW, CRITICAL)
    assert len({event.said["time"] for event in listener.events}) == 1
    await all_is_delivered(gateway, lambda: ingest(farm).records)
    alerts = [record for record in ingest(farm).records if "alert_type" in record]
    assert [alert["metadata"]["sequence"] for alert in alerts] == listener.seqs


async def test_the_archive_is_what_zcat_can_read(stage: Stage) -> None:
    farm = await stage.farm()
    gateway = stage.gateway(farm, sinks="archive")
    gateway.start()
    await gateway.stores_more()
    await until(stage.archived)
    assert await gateway.stop() == 0
    (file,) = (stage.folder / "archive" / "sensor-readings").iterdir()
    unpacked = subprocess.run(["zcat", file], capture_output=True, check=True).stdout
    assert unpacked == gzip.decompress(file.read_bytes())
    assert {"time", "sensor_id", "value", "quality_score"} <= json.loads(unpacked.splitlines()[0]).keys()
