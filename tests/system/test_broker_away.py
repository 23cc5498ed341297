"""The MQTT broker may come late, die and come back: polling and storing go on, and no change of an alarm is lost."""

from simulators.farm import Farm
from tests.system.farms import NOT_CRITICAL, NOT_LOW, OXYGEN
from tests.system.listener import Listener, standing
from tests.system.processes import Gateway, Mosquitto, ran
from tests.system.stage import Stage
from tests.system.waiting import until


def logged(gateway: Gateway) -> list[int]:
    """Numbers of all changes in the alarm log, in order."""
    return [seq for (seq,) in gateway.rows("SELECT seq FROM alarm_log ORDER BY seq")]


async def water_fails_and_recovers(farm: Farm, gateway: Gateway) -> None:
    """One failure more in the alarm log, from raising to clearing."""
    before = len(logged(gateway))
    farm.pond("tank-1").aerating = False
    await until(lambda: len(logged(gateway)) == before + 2)
    farm.pond("tank-1").aerating = True
    await until(lambda: len(logged(gateway)) == before + 4)


async def everything_is_heard(gateway: Gateway, listener: Listener, within_s: float = 60.0) -> None:
    """Every logged change arrived, in the order of its number."""
    await until(lambda: len(listener.seqs) >= len(logged(gateway)), within_s, "every change is heard")
    assert listener.seqs == logged(gateway)


async def started_without_a_broker(stage: Stage, farm: Farm) -> tuple[Gateway, Mosquitto, Listener]:
    """The listener has subscribed before, so the broker keeps for it what comes before it is back."""
    broker = await stage.broker()
    listener = await stage.listener(broker.port)
    await broker.stop()
    gateway = stage.gateway(farm, broker.port)
    gateway.start()
    await gateway.stores_more()
    return gateway, broker, listener


async def test_a_broker_that_comes_late_hears_everything(stage: Stage) -> None:
    farm = await stage.farm()
    gateway, broker, listener = await started_without_a_broker(stage, farm)
    await water_fails_and_recovers(farm, gateway)
    assert str(broker.port) in await gateway.status_tells(lambda status: status["gateway"]["mqtt"]["trouble"])
    await broker.serve()
    await everything_is_heard(gateway, listener)
    assert await standing(broker.port) == set()


async def test_what_a_gateway_could_not_publish_it_publishes_after_its_restart(stage: Stage) -> None:
    farm = await stage.farm()
    gateway, broker, listener = await started_without_a_broker(stage, farm)
    await water_fails_and_recovers(farm, gateway)
    assert await gateway.stop() == 0
    gateway.start()
    await water_fails_and_recovers(farm, gateway)
    gateway.kill()
    gateway.start()
    await gateway.stores_more()
    await broker.serve()
    await everything_is_heard(gateway, listener)
    assert len(listener.seqs) == 8
    assert [event.said["occurrence"] for event in listener.events] == [1, 1, 1, 1, 2, 2, 2, 2]


async def test_a_broker_killed_during_an_alarm_hears_how_it_went_on(stage: Stage) -> None:
    farm, broker, listener, gateway = await stage.in_alarm()

    broker.kill()
    farm.pond("tank-1").aerating = True
    await until(lambda: len(logged(gateway)) == 4)
    farm.pond("tank-1").aerating = False
    await until(lambda: len(logged(gateway)) == 6)
    await broker.serve()
    await everything_is_heard(gateway, listener)
    assert listener.changes[2:4] in ([NOT_CRITICAL, NOT_LOW], [NOT_LOW, NOT_CRITICAL])
    assert await standing(broker.port) == {f"{OXYGEN}/low", f"{OXYGEN}/critical_low"}
    assert listener.status[-1] == "online"


async def test_a_broker_that_forgot_everything_is_told_how_the_alarms_stand(stage: Stage) -> None:
    _, broker, listener, _ = await stage.in_alarm()
    broker.kill()
    (stage.folder / "mosquitto" / "mosquitto.db").unlink()
    before = len(listener.states)
    await broker.serve()
    stand = {f"aqua/gw/alarm/{OXYGEN}/{kind}/state" for kind in ("low", "critical_low")}
    await until(lambda: stand <= {topic for topic, _ in listener.states[before:]})
    assert await standing(broker.port) == {f"{OXYGEN}/low", f"{OXYGEN}/critical_low"}


async def test_the_retained_state_never_goes_back_to_an_older_one(stage: Stage) -> None:
    farm = await stage.farm()
    gateway, broker, listener = await started_without_a_broker(stage, farm)
    await water_fails_and_recovers(farm, gateway)
    await broker.serve()
    await everything_is_heard(gateway, listener)
    for topic in {topic for topic, _ in listener.states}:
        told = [said["seq"] for where, said in listener.states if where == topic and "seq" in said]
        assert told == sorted(told), f"{topic} told of change {told} in this order"


async def test_what_people_did_while_the_broker_was_away_is_heard_in_order(stage: Stage) -> None:
    farm, broker, listener, gateway = await stage.in_alarm()
    broker.kill()
    low, critical = f"{OXYGEN}/low", f"{OXYGEN}/critical_low"
    assert (await ran(gateway, "alarms", "ack", low, "--by", "Ana")).returncode == 0
    shelve = ("alarms", "shelve", critical, "--minutes", "30", "--reason", "in the bucket", "--by", "Ana")
    assert (await ran(gateway, *shelve)).returncode == 0
    gateway.kill()
    gateway.start()
    await gateway.stores_more()
    farm.pond("tank-1").aerating = True
    await until(lambda: len(logged(gateway)) == 6)
    await broker.serve()
    await everything_is_heard(gateway, listener)
    assert [event.said["event"] for event in listener.events[2:4]] == ["acknowledged", "shelved"]
    assert {event.said["event"] for event in listener.events[4:]} == {"cleared"}
    assert await standing(broker.port) == set()
