"""`aqua-gateway buffer status`: how full the ring buffer is, what it holds, and what waits for whom."""

import argparse
import json
import sys
from contextlib import closing
from datetime import UTC, datetime

from rich.console import Console

from agent import config
from agent.buffer_view import facts, view
from agent.store.inspection.reader import Reader


def command(options: argparse.Namespace) -> int:
    """0 whether the gateway runs or not."""
    gateway = config.load(options.config)
    with closing(Reader(gateway.store.path)) as reader:
        seen = facts(gateway, reader)
    if options.json:
        json.dump(seen, sys.stdout, ensure_ascii=False, indent=2)
        print()
    else:
        console = Console()
        console.print(view(seen, datetime.now(UTC)), soft_wrap=not console.is_terminal)
    return 0
