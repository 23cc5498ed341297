"""`aqua-gateway read-once`: ask every probe once and print what it answers. Stores nothing."""

import argparse
import asyncio
from collections.abc import Mapping

from agent import config
from agent.bus_drivers import buses
from agent.clock import SystemClock
from agent.domain.errors import BusError, ProbeError
from agent.domain.farm import Probe
from agent.domain.reading import Missing
from drivers.interfaces import Bus, ProbeDriver


def command(options: argparse.Namespace) -> int:
    """1 if any sensor gave no value."""
    rows = asyncio.run(_measure(config.load(options.config)))
    width = max((len(name) for name, _, _ in rows), default=0)
    for name, value, _ in rows:
        print(f"{name:<{width}}  {value}")
    return 0 if all(measured for _, _, measured in rows) else 1


async def _measure(gateway: config.Gateway) -> list[tuple[str, str, bool]]:
    """Sensor, what it says, and whether that is a value; the buses are asked side by side."""
    asked = [_ask(bus, drivers) for bus, drivers in buses(gateway, SystemClock())]
    return [row for rows in await asyncio.gather(*asked) for row in rows]


async def _ask(bus: Bus, drivers: Mapping[Probe, ProbeDriver]) -> list[tuple[str, str, bool]]:
    rows = []
    for probe, driver in drivers.items():
        measured: Mapping[str, float | Missing]
        try:
            await bus.open()
            measured = await settled(driver)
        except (BusError, ProbeError) as error:
            measured = {sensor.channel: Missing(str(error)) for sensor in probe.sensors}
        for sensor in probe.sensors:
            value = measured[sensor.channel]
            if isinstance(value, Missing):
                rows.append((str(sensor), f"no value: {value.because}", False))
            else:
                rows.append((str(sensor), f"{value:.3f} {sensor.quantity.unit}", True))
    await bus.close()
    return rows


async def settled(driver: ProbeDriver) -> Mapping[str, float | Missing]:
    """What the probe measures; one that had to be started first gets the time that it needs."""
    measured = await driver.read()
    wait_s = max((value.ready_in_s for value in measured.values() if isinstance(value, Missing)), default=0.0)
    if not wait_s:
        return measured
    await asyncio.sleep(wait_s)
    return await driver.read()
