"""`aqua-gateway check-config`: every mistake at once, before anything is opened."""

import argparse

from agent import config


def command(options: argparse.Namespace) -> int:
    """Raises ConfigError with every mistake; says what the file comes to when there is none."""
    gateway = config.load(options.config)
    sensors = sum(len(probe.sensors) for probe in gateway.probes)
    counted = [
        _count(len(gateway.tanks), "tank"),
        _count(len(gateway.buses), "bus", "buses"),
        f"{_count(len(gateway.probes), 'probe')} with {_count(sensors, 'sensor')}",
        *([_count(len(gateway.derived), "derived sensor")] if gateway.derived else []),
        _count(len(gateway.alarms), "alarm"),
        "sinks: " + (", ".join(f"{sink.name} ({sink.kind})" for sink in gateway.sinks) or "none"),
    ]
    print(f"{options.config} is right. Gateway {gateway.gateway_id}:", *counted, sep="\n  ")
    return 0


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
