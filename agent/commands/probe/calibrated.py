"""`aqua-gateway probe calibrated`: have the running gateway note in its log that a probe was calibrated."""

import argparse

from agent import config
from agent.control import ask


def command(options: argparse.Namespace) -> int:
    """Raises NotRunning: the gateway alone writes the log; `--at` tells the time later."""
    gateway = config.load(options.config)
    wanted = {
        key: value for key in ("probe", "by", "cap", "at", "note") if (value := getattr(options, key)) is not None
    }
    (entry,) = ask(gateway.control_socket, "probe calibrated", **wanted)
    what = "calibrated, with a new cap" if entry["cap"] else "calibrated"
    print(f"{entry['probe']}: {what}, {entry['time']}, {entry['by']}")
    return 0
