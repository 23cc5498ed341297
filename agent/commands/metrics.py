"""`aqua-gateway metrics`: how the running gateway does, as Prometheus reads it or as JSON."""

import argparse
import json
import sys

from agent import config
from agent.control import NotRunning, ask
from agent.metrics.exposition import exposition

NOT_RUNNING = 3


def command(options: argparse.Namespace) -> int:
    """3 when the gateway is not running. Raises AquaError when it does not answer."""
    gateway = config.load(options.config)
    try:
        (seen,) = ask(gateway.control_socket, "metrics")
    except NotRunning as error:
        print(error, file=sys.stderr)
        return NOT_RUNNING
    print(json.dumps(seen, ensure_ascii=False, indent=2) + "\n" if options.json else exposition(seen), end="")
    return 0
