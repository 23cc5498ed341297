"""Every configured bus, closed, with the drivers of the probes on it."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from agent.companions import Latest, sources
from agent.config import Gateway
from agent.domain.clock import Clock
from agent.domain.farm import Probe, Unit
from drivers import profile
from drivers.bus import make_bus
from drivers.bus.tap import Tap
from drivers.interfaces import Bus, Compensated, ProbeDriver, Profile


def buses(
    gateway: Gateway,
    clock: Clock,
    taps: Mapping[str, Tap] = MappingProxyType({}),
    latest: Latest = MappingProxyType({}),
) -> list[tuple[Bus, Mapping[Probe, ProbeDriver]]]:
    """Every bus with the drivers of the probes on it; `taps` by the name of the bus, `latest` the newest readings."""
    models = {name: profile(name, gateway.profiles_dir) for name in {probe.profile for probe in gateway.probes}}
    made: list[tuple[Bus, Mapping[Probe, ProbeDriver]]] = []
    for settings in gateway.buses:
        bus = make_bus(settings, clock, taps.get(settings.name))
        probes = [probe for probe in gateway.probes if probe.bus == settings.name]
        made.append((bus, _drivers(models, bus, probes, latest, clock)))
    return made


def _drivers(
    models: Mapping[str, Profile], bus: Bus, probes: Sequence[Probe], latest: Latest, clock: Clock
) -> Mapping[Probe, ProbeDriver]:
    """One driver a device: what has the same address is read together."""
    made: dict[Unit, ProbeDriver] = {}
    for probe in probes:
        if probe.unit not in made:
            made[probe.unit] = _driver(models[probe.profile], bus, probe, latest, clock)
    return {probe: made[probe.unit] for probe in probes}


def _driver(model: Profile, bus: Bus, probe: Probe, latest: Latest, clock: Clock) -> ProbeDriver:
    if probe.compensation and isinstance(model, Compensated):
        return model.compensated_driver(bus, probe.unit, sources(probe.compensation, latest, clock))
    return model.driver(bus, probe.unit)
