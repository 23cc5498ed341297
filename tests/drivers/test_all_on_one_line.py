"""Every Modbus model beside every other on one line: the real bus, a real pty, and a twin at the far end of each."""

from pathlib import Path

import pytest

from agent.domain.reading import Missing
from drivers import profile, profile_names
from drivers.bus import make_bus
from drivers.probes.modbus_table import TableProfile
from simulators.clock import Clock
from simulators.lines.pty_line import PtyLine
from simulators.twins import MODBUS_TWINS
from simulators.twins.aqualabo import Digisens
from tests.drivers.captures import hurried
from tests.drivers.devices import RealClock, rtu_settings
from tests.drivers.test_mutants import in_water
from tests.simulators.stage import POND_WATER, twin_in

MODELS = {name: model for name in profile_names() if isinstance(model := profile(name), TableProfile)}


async def test_twenty_probes_on_one_line_do_not_disturb_each_other(tmp_path: Path) -> None:
    twins = [twin_in(MODBUS_TWINS[name], unit=unit, clock=Clock()) for unit, name in enumerate(MODELS, 1)]
    for twin in twins:
        if isinstance(twin, Digisens):
            twin.wait_ms = 20
    line = PtyLine(tmp_path / "ttyRS485", twins)
    await line.plug()
    bus = make_bus(rtu_settings(line.link), RealClock())
    drivers = {name: hurried(model).driver(bus, unit) for unit, (name, model) in enumerate(MODELS.items(), 1)}
    for _ in range(2):
        for name, driver in drivers.items():
            values = await driver.read()
            for channel in MODELS[name].channels:
                if (name, channel.name) == ("hamilton-arc-do", "saturation"):
                    assert isinstance(values[channel.name], Missing), "the twin is set to mg/L"
                else:
                    expected = in_water(channel.quantity, POND_WATER)
                    assert values[channel.name] == pytest.approx(expected, rel=1e-5, abs=0.006), (name, channel.name)
    await bus.close()
    await line.unplug()
