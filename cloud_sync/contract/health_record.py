"""How a gateway is, as a record."""

from dataclasses import asdict
from math import isfinite
from typing import Any

from agent.domain.gateway_health import GatewayHealth
from cloud_sync.contract.origin import origin
from cloud_sync.contract.record import Record
from cloud_sync.contract.timestamps import iso_utc
from cloud_sync.contract.topics import GATEWAY_HEALTH


def health_record(health: GatewayHealth, gateway: str) -> Record:
    """For `gateway-health`, keyed by gateway. Numbers that are not finite are null, like those that nobody knows."""
    at = health.at
    body = {
        "time": iso_utc(at.utc_us),
        "version": health.version,
        "uptime_s": health.uptime_s,
        "readings_per_s": _finite(health.readings_per_s),
        "alarms_standing": health.alarms_standing,
        "store": _finite(asdict(health.store)),
        "sinks": [_finite(asdict(sink)) for sink in health.sinks],
        "machine": _finite(asdict(health.machine)),
        "metadata": {**origin(gateway, at), "sequence": health.seq},
    }
    return Record(health.seq, GATEWAY_HEALTH, gateway, at.utc_us, body)


def _finite(part: Any) -> Any:
    if isinstance(part, dict):
        return {name: _finite(value) for name, value in part.items()}
    return None if isinstance(part, float) and not isfinite(part) else part
