"""`aqua-gateway alarms metrics`: whether there are more alarms than a person can follow, and which come most."""

import argparse

from agent import config
from agent.commands.showing import show
from agent.control import ask
from agent.views.alarm import metrics_view


def command(options: argparse.Namespace) -> int:
    """Raises NotRunning: only the gateway counts them."""
    gateway = config.load(options.config)
    (metrics,) = ask(gateway.control_socket, "alarm metrics")
    show(metrics, lambda: metrics_view(metrics), options.json)
    return 0
