"""Everything that does not speak Modbus, from a farm file through configuration, buses and drivers to readings."""

from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest

from agent import config
from agent.bus_drivers import buses
from agent.checks.sensor_checks import farm_checks
from agent.parts_status import bus_status
from agent.pipeline import Pipeline
from agent.polling import BusLoop
from agent.views.status import _troubles
from simulators.farm import Farm, load
from simulators.twins.ezo import EzoTwin
from tests.drivers.devices import RealClock

FARM = """
speed = 0
seed = 7
[[ponds]]
name = "pond"
temperature_c = 17.5
salinity_psu = 30.0
[lines.rtd]
pty = "ttyRTD"
[lines.do]
pty = "ttyDO"
[lines.wells]
pty = "ttySDI"
baud = 1200
[lines.deck]
pty = "ttyNMEA"
[lines.thermometers]
folder = "w1"
[[twins]]
name = "rtd"
model = "atlas-ezo-rtd"
line = "rtd"
pond = "pond"
[[twins]]
name = "do"
model = "atlas-ezo-do"
line = "do"
pond = "pond"
[[twins]]
name = "well-0"
model = "meter-hydros-21"
line = "wells"
unit = 0
pond = "pond"
[[twins]]
name = "well-b"
model = "meter-hydros-21"
line = "wells"
unit = "b"
pond = "pond"
[[twins]]
name = "sounder"
model = "nmea-0183-mtw"
line = "deck"
pond = "pond"
[[twins]]
name = "thermometer"
model = "ds18b20"
line = "thermometers"
unit = "28-0316a2794aff"
pond = "pond"
"""

GATEWAY = """
[gateway]
id = "farm-1"
[[tanks]]
name = "tank-1"
species = "rainbow-trout"
[buses.rtd]
protocol = "serial-text"
device = "ttyRTD"
[buses.do]
protocol = "serial-text"
device = "ttyDO"
[buses.wells]
protocol = "sdi-12"
device = "ttySDI"
[buses.deck]
protocol = "text-stream"
device = "ttyNMEA"
baud = 4800
[buses.thermometers]
protocol = "1-wire"
folder = "w1"
[[probes]]
name = "rtd-1"
tank = "tank-1"
bus = "rtd"
profile = "atlas-ezo-rtd"
[[probes]]
name = "do-1"
tank = "tank-1"
bus = "do"
profile = "atlas-ezo-do"
[probes.compensation]
temperature = "rtd-1/temperature"
[[probes]]
name = "well-0"
tank = "tank-1"
bus = "wells"
profile = "meter-hydros-21"
unit = 0
[[probes]]
name = "well-b"
tank = "tank-1"
bus = "wells"
profile = "meter-hydros-21"
unit = "b"
[[probes]]
name = "sounder"
tank = "tank-1"
bus = "deck"
profile = "nmea-0183-mtw"
[[probes]]
name = "thermometer"
tank = "tank-1"
bus = "thermometers"
profile = "ds18b20"
unit = "28-0316a2794aff"
[sinks.archive]
kind = "archive"
folder = "archive"
"""


class Gateway:
    """The part of a gateway that reads: each bus polled when told, everything checked, nothing stored."""

    def __init__(self, gateway: config.Gateway) -> None:
        clock = RealClock()
        self.pipeline = Pipeline(farm_checks(gateway.probes, gateway.checks), [], lambda *kept: None, lambda told: None)
        self.loops = {
            bus.name: BusLoop(bus, drivers, self.pipeline.take_in, clock, Random(7))
            for bus, drivers in buses(gateway, clock, latest=self.pipeline.latest)
        }

    async def poll(self, *names: str) -> dict[str, float | str | None]:
        """One turn of every probe on these buses; value or reason of every sensor read so far."""
        for name in names:
            for turn in self.loops[name].turns:
                await self.loops[name].poll(turn)
        readings = [checked.reading for checked in self.pipeline.latest.values()]
        return {
            f"{reading.sensor.probe}/{reading.sensor.channel}": reading.because
            if reading.value is None
            else reading.value
            for reading in readings
        }


@pytest.fixture
async def farm(tmp_path: Path) -> AsyncIterator[Farm]:
    (tmp_path / "farm.toml").write_text(FARM, encoding="utf-8")
    async with Farm(load(tmp_path / "farm.toml")) as running:
        yield running


@pytest.fixture
async def gateway(farm: Farm, tmp_path: Path) -> AsyncIterator[Gateway]:
    (tmp_path / "gateway.toml").write_text(GATEWAY, encoding="utf-8")
    running = Gateway(config.load(tmp_path / "gateway.toml"))
    yield running
    for loop in running.loops.values():
        await loop.bus.close()


async def test_every_kind_of_instrument_is_read(gateway: Gateway) -> None:
    found = await gateway.poll("rtd", "do", "wells", "deck", "thermometers")
    for name in ("rtd-1", "well-0", "well-b", "sounder", "thermometer"):
        assert found[f"{name}/temperature"] == pytest.approx(17.5, abs=0.3)
    assert found["well-0/conductivity"] == pytest.approx(found["well-b/conductivity"], rel=0.02)
    assert found["do-1/dissolved_oxygen"] == pytest.approx(8, abs=3)
    assert "switch it on with O,%,1" in str(found["do-1/saturation"])


async def test_the_oxygen_circuit_computes_with_the_thermometers_value(farm: Farm, gateway: Gateway) -> None:
    circuit, thermometer = farm.twin("do"), farm.twin("rtd")
    assert isinstance(circuit, EzoTwin)
    await gateway.poll("do")
    assert circuit.settings["t"] == "20.0", "nothing was measured yet, so nothing is sent"
    found = await gateway.poll("rtd", "do")
    assert float(circuit.settings["t"]) == pytest.approx(found["rtd-1/temperature"], abs=0.006)
    thermometer.faults.silence = True
    before = circuit.settings["t"]
    found = await gateway.poll("rtd", "do")
    assert "no answer" in str(found["rtd-1/temperature"])
    assert circuit.settings["t"] == before
    condition = bus_status(gateway.loops["do"])["conditions"]["tank-1/do-1"]
    assert condition["compensated_temperature"] == float(before)
    assert condition["last_restart"] == "powered off"
    (trouble,) = _troubles({"buses": [bus_status(gateway.loops["do"])]}, None)
    assert "tank-1/do-1: compensated temperature: tank-1/rtd-1/temperature has no good value" in trouble.plain
    assert found["do-1/dissolved_oxygen"] == pytest.approx(8, abs=3), "the reading goes on"
