"""Where something comes from, and how good its time is."""

from functools import lru_cache
from typing import Any

from agent.domain.clock import Instant
from agent.domain.farm import Sensor


def origin(gateway: str, at: Instant) -> dict[str, Any]:
    """Where something comes from: gateway and boot, and how good its time is."""
    return {"gateway": gateway, "boot_id": at.boot_id, "boot_s": at.boot_s, "clock": how_good(at)}


def how_good(at: Instant) -> str:
    """How good the time is: measured, set right by a later synchronisation of the same boot, or a best estimate."""
    if not at.trusted:
        return "bounded"
    return "corrected" if at.corrected else "synchronised"


# What does not change between two readings of a sensor is looked up once a sensor.
@lru_cache(maxsize=10_000)
def place(sensor: Sensor) -> tuple[str, str, str, str, str, str]:
    """What a sensor is called: id, tank's id, type, tank, probe, unit."""
    tank, quantity = sensor.tank, sensor.quantity
    return str(sensor.sensor_id), str(tank.tank_id), quantity.sensor_type, tank.name, sensor.probe, quantity.unit
