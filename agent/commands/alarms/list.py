"""`aqua-gateway alarms list`: where each alarm of the running gateway stands."""

import argparse
from datetime import UTC, datetime

from agent import config
from agent.commands.showing import show
from agent.control import ask
from agent.views.alarm import standing_view


def command(options: argparse.Namespace) -> int:
    """Raises NotRunning: only the gateway knows where they stand."""
    gateway = config.load(options.config)
    alarms = [alarm for alarm in ask(gateway.control_socket, "alarms") if options.all or alarm["state"] != "normal"]
    show({"alarms": alarms}, lambda: standing_view(alarms, datetime.now(UTC)), options.json)
    return 0
