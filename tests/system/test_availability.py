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
    listener = await stage.listener(broker.port)
    stage.gateway(farm, broker.port).start()
    expected = {
        "tank-1": {
            "low", "critical_low", "rate_of_fall", "forecast", "no_valid_data", "sensor_failed", "probe_drift",
        },
        "gateway": {
            "bus_down", "store_sick", "clock_unknown", "disk_low", "too_hot", "feed_silent", "feed_test",
        },
    }  # fmt: skip

    def kinds() -> dict[str, set[str]]:
        places = [topic.removeprefix("aqua/gw/alarm/").split("/") for topic, _ in listener.states]
        return {place: {one[3] for one in places if one[0] == place} for place in expected}

    await until(lambda: kinds() == expected, what="the states of all alarms")
    first = dict(reversed(listener.states))
    assert not any(said["active"] or said["occurrence"] for said in first.values())
    assert {f"aqua/gw/{topic}" for topic in await retained(broker.port)} >= first.keys()
