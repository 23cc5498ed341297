"""Ports and probes that fail: told by name, missing while they are gone, nobody else affected, back by themselves."""

import time

import serial

from simulators.farm import Farm
from tests.system.farms import FARM
from tests.system.processes import Gateway
from tests.system.stage import Stage
from tests.system.waiting import until

_NEWEST = "SELECT value, because FROM reading WHERE probe = ? AND sensor = ? ORDER BY seq DESC LIMIT 1"
_DO = ("do-1", "dissolved_oxygen")

EZO_TWIN = """
[lines.lab]
pty = "ttyLab"
[[twins]]
name = "ezo-2"
model = "atlas-ezo-ph"
line = "lab"
pond = "tank-2"
"""
EZO_PROBE = """
[buses.lab]
protocol = "serial-text"
device = "ttyLab"
quiet_s = 0.05
[[probes]]
name = "ezo-2"
tank = "tank-2"
bus = "lab"
profile = "atlas-ezo-ph"
period_s = 1
"""


def newest(gateway: Gateway, probe: str = "do-1", sensor: str = "dissolved_oxygen") -> tuple[float | None, str]:
    rows = gateway.rows(_NEWEST, probe, sensor)
    return rows[0] if rows else (None, "")


def missing_since(gateway: Gateway, seq: int, probe: str) -> int:
    return int(gateway.rows("SELECT count(*) FROM reading WHERE seq > ? AND probe = ? AND flag = 9", seq, probe)[0][0])


async def running(stage: Stage, farm: Farm, *more: str) -> Gateway:
    gateway = stage.gateway(farm, None, *more)
    gateway.start()
    await gateway.stores_more()
    return gateway


async def test_an_unplugged_port_is_named_and_comes_back_by_itself(stage: Stage) -> None:
    farm = await stage.farm()
    gateway = await running(stage, farm)
    for _ in range(2):
        unplugged = gateway.stored()
        await farm.line("rs485").unplug()
        await until(lambda: newest(gateway)[0] is None)
        await until(lambda: newest(gateway, "ph-1", "ph")[0] is None)
        assert str(stage.folder / "ttyRS485") in newest(gateway)[1]
        await gateway.stores_more(30)
        assert missing_since(gateway, unplugged, "odo-2") == 0
        await farm.line("rs485").plug()
        await until(lambda: newest(gateway)[0] is not None and newest(gateway, "ph-1", "ph")[0] is not None)
    assert "ttyRS485" in gateway.said
    assert gateway.said.count("works again") == 2


async def test_an_unplugged_text_probe_comes_back_by_itself(stage: Stage) -> None:
    farm = await stage.farm(FARM + EZO_TWIN)
    gateway = await running(stage, farm, EZO_PROBE)
    await until(lambda: newest(gateway, "ezo-2", "ph")[0] is not None)
    for _ in range(2):
        await farm.line("lab").unplug()
        await until(lambda: newest(gateway, "ezo-2", "ph")[0] is None)
        assert str(stage.folder / "ttyLab") in newest(gateway, "ezo-2", "ph")[1]
        await farm.line("lab").plug()
        await until(lambda: newest(gateway, "ezo-2", "ph")[0] is not None)
    assert gateway.said.count("works again") == 2


async def test_a_vanished_network_device_comes_back_by_itself(stage: Stage) -> None:
    farm = await stage.farm()
    gateway = await running(stage, farm)
    await farm.line("lan").unplug()
    await until(lambda: newest(gateway, "odo-2", "dissolved_oxygen")[0] is None)
    assert f"127.0.0.1:{farm.port('lan')}" in newest(gateway, "odo-2", "dissolved_oxygen")[1]
    await farm.line("lan").plug()
    await until(lambda: newest(gateway, "odo-2", "dissolved_oxygen")[0] is not None)


async def test_a_dead_probe_leaves_its_neighbours_their_cadence(stage: Stage) -> None:
    """Ten readings a second are asked of do-1; two thirds of them must come while ph-1 on its line is dead.

    On a line as busy as that a silent probe is asked again after eighty of its time-outs, so they are short here.
    """
    farm = await stage.farm()
    gateway = stage.gateway(farm)
    gateway.config.write_text(gateway.config.read_text().replace("timeout_s = 0.4", "timeout_s = 0.15"))
    gateway.start()
    await gateway.stores_more()
    farm.twin("ph-1").faults.silence = True
    await until(lambda: "it is asked less often" in gateway.said, what="the silence is logged")
    seq, began = gateway.stored(), time.monotonic()
    await gateway.stores_more(150)
    passed_s = time.monotonic() - began
    (read,) = gateway.rows(
        "SELECT count(*) FROM reading WHERE seq > ? AND probe = ? AND sensor = ? AND value IS NOT NULL", seq, *_DO
    )
    assert read[0] / passed_s > 6.5
    assert missing_since(gateway, seq, "do-1") == 0
    assert newest(gateway, "ph-1", "ph")[1].startswith("no reply")
    farm.twin("ph-1").faults.silence = False
    await until(lambda: newest(gateway, "ph-1", "ph")[0] is not None, within_s=40)
    assert "tank-1/ph-1 answers again" in gateway.said


async def test_a_port_that_another_process_holds_is_waited_for(stage: Stage) -> None:
    farm = await stage.farm()
    with serial.Serial(str(stage.folder / "ttyRS485"), exclusive=True):
        gateway = await running(stage, farm)
        value, because = newest(gateway)
        assert value is None
        assert because == f"cannot open {stage.folder / 'ttyRS485'}: another program is using it"
        assert newest(gateway, "odo-2", "dissolved_oxygen")[0] is not None
        assert await gateway.status_tells(lambda status: status["gateway"]["buses"][0]["trouble"]) == because
    await until(lambda: newest(gateway)[0] is not None)


async def test_no_other_program_can_take_the_port_of_a_running_gateway(stage: Stage) -> None:
    farm = await stage.farm()
    gateway = await running(stage, farm)
    seq = gateway.stored()
    once = await gateway.command("read-once")
    assert once.returncode == 1
    assert "another program is using it" in once.stdout
    assert missing_since(gateway, seq, "do-1") == 0
