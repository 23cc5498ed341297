"""`aqua-gateway bus trace`: every frame on a bus as it goes over the wire, decoded."""

import argparse
import asyncio
import sys
from collections.abc import Callable
from random import Random

from rich.console import Console

from agent import config
from agent.bus_drivers import buses
from agent.clock import SystemClock
from agent.control import NotRunning, ask
from agent.domain.errors import AquaError
from agent.domain.farm import BusSettings, Unit
from agent.flight_recorder import FlightRecorder, from_json
from agent.polling import BusLoop
from agent.views.bus import Trace, draw
from drivers import profile
from drivers.bus.tap import Frame
from drivers.interfaces import Profile


def command(options: argparse.Namespace) -> int:
    """Until Ctrl-C: what the running gateway asks, or, if none is running, what this command asks in its place."""
    gateway = config.load(options.config)
    bus, probes = _chosen(gateway, options.bus)
    console = Console()

    def shown_from(utc_us: int, boot_s: float) -> Callable[[Frame], None]:
        trace = Trace(bus.protocol, probes, utc_us, boot_s)
        return lambda frame: draw(console, trace.line(frame), options.hex)

    try:
        frames = ask(gateway.control_socket, "bus trace", within_s=None, bus=bus.name)
        show = shown_from(**next(frames))
        for frame in frames:
            show(from_json(frame))
    except NotRunning:
        notice = f"{gateway.gateway_id} is not running: this command asks the probes of {bus.name}, and stores nothing"
        print(notice, file=sys.stderr)
        asyncio.run(_asked_here(gateway, bus, shown_from))
    return 0


def _chosen(gateway: config.Gateway, name: str | None) -> tuple[BusSettings, dict[Unit, tuple[str, Profile]]]:
    """The bus, and what is on it by address: name and model."""
    used = {probe.bus for probe in gateway.probes}
    found = [bus for bus in gateway.buses if bus.name in used and name in (None, bus.name)]
    if len(found) != 1:
        reason = f"no probe is on a bus {name!r}" if name else "several buses have probes"
        raise AquaError(f"{reason}: choose one of {', '.join(sorted(used))}")
    return found[0], on_bus(gateway, found[0].name)


def on_bus(gateway: config.Gateway, bus: str) -> dict[Unit, tuple[str, Profile]]:
    """The probes on that bus by address: name and model."""
    probes = [probe for probe in gateway.probes if probe.bus == bus]
    return {probe.unit: (probe.name, profile(probe.profile, gateway.profiles_dir)) for probe in probes}


async def _asked_here(
    gateway: config.Gateway, settings: BusSettings, shown_from: Callable[[int, float], Callable[[Frame], None]]
) -> None:
    """Poll as the gateway would, until cancelled; troubles go to the log, which is standard error."""
    clock, recorder = SystemClock(), FlightRecorder(settings)
    now = clock.now()
    show = shown_from(now.utc_us, now.boot_s)
    for bus, drivers in buses(gateway, clock, {settings.name: recorder}):
        if bus.name == settings.name:
            async with asyncio.TaskGroup() as group:
                group.create_task(BusLoop(bus, drivers, lambda readings: None, clock, Random()).run())
                async for frame in recorder.follow():
                    show(frame)
