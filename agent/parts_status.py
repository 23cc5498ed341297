"""How each part of the running gateway is: for the status file, the cloud, and `systemctl status`."""

from collections.abc import Mapping, Sequence
from typing import Any

from agent.domain.farm import Probe
from agent.domain.gateway_health import SinkHealth
from agent.polling import BusLoop
from agent.store.store import Store
from cloud_sync.uplink.breaker import Circuit
from cloud_sync.uplink.forwarder import Forwarder
from cloud_sync.uplink.status import SinkStatus
from drivers.interfaces import TellsCondition


def in_short(loops: Sequence[BusLoop], forwarders: Sequence[Forwarder], store: Store) -> str:
    """One line."""
    turns = [turn for loop in loops for turn in loop.turns]
    probes = sum(len(turn.probes) for turn in turns)
    silent = sum(len(turn.probes) for turn in turns if turn.is_silent)
    troubled = sum(forwarder.status.circuit is not Circuit.CLOSED for forwarder in forwarders)
    return (
        f"{probes} probes, {silent} silent; store {store.state.value}; {len(forwarders)} sinks, {troubled} in trouble"
    )


def sink_status(status: SinkStatus) -> dict[str, Any]:
    return {
        "name": status.sink,
        "state": status.state.value,
        "circuit": status.circuit.value,
        "last_error": status.last_error,
        "lanes": {lane.value: {"oldest_age_s": found.oldest_age_s} for lane, found in status.lanes.items()},
    }


def sink_health(status: SinkStatus) -> SinkHealth:
    ages = [found.oldest_age_s for found in status.lanes.values() if found.oldest_age_s is not None]
    oldest_s = max(ages, default=None)
    return SinkHealth(
        status.sink, status.state.value, oldest_s, None, status.delivered, status.rejected, status.last_error
    )


def conditions(loops: Sequence[BusLoop]) -> Mapping[Probe, Mapping[str, float | str]]:
    """What drivers know of their probes, those that do."""
    return {
        probe: dict(turn.driver.condition)
        for loop in loops
        for turn in loop.turns
        if isinstance(turn.driver, TellsCondition)
        for probe in turn.probes
    }


def bus_status(loop: BusLoop) -> dict[str, Any]:
    silent = [turn for turn in loop.turns if turn.is_silent]
    return {
        "name": loop.bus.name,
        "trouble": loop.trouble,
        "probes": sum(len(turn.probes) for turn in loop.turns),
        "silent": {str(turn): turn.because for turn in silent},
        "conditions": {
            str(turn): dict(turn.driver.condition) for turn in loop.turns if isinstance(turn.driver, TellsCondition)
        },
    }
