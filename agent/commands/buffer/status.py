"""`aqua-gateway buffer status`: how full the ring buffer is, what it holds, and what waits for whom."""

import argparse
from contextlib import closing
from datetime import UTC, datetime

from agent import config
from agent.commands.showing import show
from agent.store.inspection.reader import Reader
from agent.views.buffer import facts, view


def command(options: argparse.Namespace) -> int:
    """0 whether the gateway runs or not."""
    gateway = config.load(options.config)
    with closing(Reader(gateway.store.path)) as reader:
        seen = facts(gateway, reader)
    show(seen, lambda: view(seen, datetime.now(UTC)), options.json)
    return 0
