"""Whether the gateway is there can be seen on MQTT at any time."""

from tests.system.listener import retained
from tests.system.stage import Stage
from tests.system.waiting import until


async def test_availability_is_told_when_it_comes_leaves_and_dies(stage: Stage) -> None:
    farm, broker = await stage.farm(), await stage.broker()
    listener = await stage.listener(broker.port)
    gateway = stage.gateway(farm, broker.port)

    gateway.start()
    await until(lambda: listener.status == ["online"])
    assert (await retained(broker.port))["status"]["state"] == "online"
    await gateway.stores_more()
    assert await gateway.stop() == 0
    await until(lambda: listener.status == ["online", "offline"])
    assert (await retained(broker.port))["status"]["state"] == "offline"

    gateway.start()
    await until(lambda: listener.status[2:] == ["online"])
    gateway.kill()
    await until(lambda: listener.status[2:] == ["online", "offline"])
    assert (await retained(broker.port))["status"]["state"] == "offline"


async def test_every_alarm_has_a_retained_state_before_it_was_ever_raised(stage: Stage) -> None:
    farm, broker = await stage.farm(), await stage.broker()
    gateway = stage.gateway(farm, broker.port)
    gateway.start()
    await gateway.stores_more()
    states = {topic: said for topic, said in (await retained(broker.port)).items() if topic.endswith("/state")}
    kinds = {
        place: {topic.split("/")[-2] for topic in states if topic.split("/")[1] == place}
        for place in ("tank-1", "gateway")
    }
    assert kinds["tank-1"] == {
        "low", "critical_low", "rate_of_fall", "forecast", "no_valid_data", "sensor_failed", "probe_drift",
    }  # fmt: skip
    assert kinds["gateway"] == {
        "bus_down", "store_sick", "clock_unknown", "disk_low", "too_hot", "feed_silent", "feed_test",
    }  # fmt: skip
    assert not any(said["active"] or said["occurrence"] for said in states.values())
