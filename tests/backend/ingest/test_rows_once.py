"""What is in Kafka is in the database, once."""

from cloud_sync.contract.records import record
from tests.backend.ingest.stage import Stage
from tests.cloud_sync.things import GATEWAY, TANK, change, gap, health, records, rollup


def test_every_topic_becomes_the_rows_that_the_contract_says(stage: Stage) -> None:
    things: list[Any] = [change(1), change(2, active=False), gap(1), rollup(1), health(1)]
    stage.send([*records(1, 2000), *(record(thing, GATEWAY) for thing in things)])
    process = stage.run()
    stage.all_read()
    assert stage.count() == 2000
    assert stage.count("sensor_data.gateway_health") == 1
    assert stage.count("sensor_data.gaps") == stage.count("sensor_data.rollups") == 1
    assert stage.ask("SELECT is_resolved FROM sensor_data.alerts") == [(True,)]
    assert stage.ask("SELECT id, name FROM sensor_data.tanks") == [(TANK.tank_id, "tank-3")]
    assert process.metric('aqua_ingest_rows_total{topic="sensor-readings"}') == 2000
    assert process.metric('aqua_ingest_duplicates_total{topic="sensor-readings"}') == 0
    assert process.stop() == 0
