"""`aqua-gateway probe read`: ask one probe once, and show the raw registers beside the converted values."""

import argparse
import asyncio
from typing import Any

from agent import config
from agent.bus_drivers import buses
from agent.clock import SystemClock
from agent.commands.showing import show
from agent.control import NotRunning, ask
from agent.domain.farm import Probe
from agent.flight_recorder import FlightRecorder
from agent.probe_look import look, named
from agent.views.probe import view
from drivers import profile
from drivers.interfaces import Profile


def command(options: argparse.Namespace) -> int:
    """1 if any channel has no value. Through the running gateway, which owns the port, or without one."""
    gateway = config.load(options.config)
    probe = named(gateway.probes, options.probe)
    model = profile(probe.profile, gateway.profiles_dir)
    try:
        (seen,) = ask(gateway.control_socket, "probe read", probe=f"{probe.tank.name}/{probe.name}")
        through = "through the running gateway"
    except NotRunning:
        seen = asyncio.run(_looked_at(gateway, probe, model))
        through = "directly: the gateway is not running"
    show(seen, lambda: view(seen, model, through), options.json)
    return 0 if all("value" in told for told in seen["values"].values()) else 1


async def _looked_at(gateway: config.Gateway, probe: Probe, model: Profile) -> dict[str, Any]:
    clock = SystemClock()
    (settings,) = (bus for bus in gateway.buses if bus.name == probe.bus)
    recorder = FlightRecorder(settings)
    on_bus = buses(gateway, clock, {probe.bus: recorder})
    ((bus, drivers),) = ((bus, drivers) for bus, drivers in on_bus if bus.name == probe.bus)
    try:
        return await look(probe, model, drivers[probe], bus, recorder, clock)
    finally:
        await bus.close()
