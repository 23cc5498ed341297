"""kill -9, again and again, at any moment: every stored reading is delivered, and alarms keep their standing."""

import asyncio
from random import Random

from tests.system.deliveries import all_is_delivered
from tests.system.farms import CRITICAL, LOW, OXYGEN
from tests.system.listener import retained, standing
from tests.system.stage import Stage, ingest
from tests.system.waiting import until

KILLS = 10


async def test_ten_kills_lose_nothing_stored_and_raise_nothing_twice(stage: Stage) -> None:
    farm, broker = await stage.farm(), await stage.broker()
    listener = await stage.listener(broker.port)
    gateway = stage.gateway(farm, broker.port, sinks="archive cloud")
    moments = Random(9)
    gateway.start()
    await gateway.stores_more()
    for turn in range(KILLS):
        if turn == 3:
            farm.pond("tank-1").aerating = False
            await listener.hears(LOW, CRITICAL)
            await until(lambda: gateway.rows("SELECT count(*) FROM alarm_log") == [(2,)])
        await asyncio.sleep(moments.uniform(0.0, 0.4))
        gateway.kill()
        gateway.start()
        await gateway.stores_more(1)

    await all_is_delivered(gateway, stage.archived)
    await all_is_delivered(gateway, lambda: ingest(farm).records)
    assert gateway.rows("SELECT count(*) FROM gaps") == [(0,)]
    raised = gateway.rows("SELECT kind, occurrence FROM alarm_log WHERE active AND kind <> 'no_valid_data'")
    assert sorted(raised) == [("critical_low", 1), ("low", 1)]
    await until(lambda: listener.status[-1] == "online")
    assert {f"{OXYGEN}/low", f"{OXYGEN}/critical_low"} <= await standing(broker.port)
    assert (await retained(broker.port))[f"alarm/{OXYGEN}/low/state"]["occurrence"] == 1


async def test_a_gateway_killed_after_each_change_tells_each_change_once(stage: Stage) -> None:
    farm, broker = await stage.farm(), await stage.broker()
    listener = await stage.listener(broker.port)
    gateway = stage.gateway(farm, broker.port)
    for turn in range(1, 4):
        gateway.start()
        await until(lambda: listener.status[-1:] == ["online"])
        farm.pond("tank-1").aerating = turn % 2 == 0
        await listener.hears((LOW[0], turn != 2), (CRITICAL[0], turn != 2))
        await until(lambda: gateway.rows("SELECT max(seq) FROM alarm_log") == [(listener.seqs[-1],)])
        gateway.kill()
        await until(lambda: listener.status[-1:] == ["offline"])
    told = [(event.said["kind"], event.said["active"], event.said["occurrence"]) for event in listener.events]
    assert len(told) == len(set(told)) == 6
