"""`aqua-gateway check-config`: every mistake at once, before anything is opened."""

import argparse

from agent import config


def command(options: argparse.Namespace) -> int:
    """Raises ConfigError with every mistake; says what the file comes to when there is none."""
    gateway = config.load(options.config)
    counted = [
        f"{len(gateway.tanks)} tanks",
        f"{len(gateway.buses)} buses",
        f"{len(gateway.probes)} probes with {sum(len(probe.sensors) for probe in gateway.probes)} sensors",
        *([f"{len(gateway.derived)} derived sensors"] if gateway.derived else []),
        f"{len(gateway.alarms)} alarms",
        "sinks: " + (", ".join(f"{sink.name} ({sink.kind})" for sink in gateway.sinks) or "none"),
    ]
    print(f"{options.config} is right. Gateway {gateway.gateway_id}:", *counted, sep="\n  ")
    return 0
