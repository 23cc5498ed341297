"""`aqua-gateway status`: what the gateway sees and does, from its files, while it runs or after."""

import argparse
import time
from datetime import UTC, datetime
from typing import NoReturn

from rich.live import Live

from agent import config
from agent.commands.showing import show
from agent.views.status import facts, view

NOT_RUNNING = 3


def command(options: argparse.Namespace) -> int:
    """3 when the gateway is not running; what it stored is shown all the same."""
    gateway = config.load(options.config)
    if not gateway.store.path.exists():
        print(f"{gateway.gateway_id} has never run with this configuration: there is no {gateway.store.path}")
        return NOT_RUNNING
    if options.follow:
        _follow(gateway)
    now = datetime.now(UTC)
    seen = facts(gateway, now)
    show(seen, lambda: view(gateway, seen, now), options.json)
    return 0 if (seen["gateway"] or {}).get("state") == "running" else NOT_RUNNING


def _follow(gateway: config.Gateway) -> NoReturn:
    """Ends by Ctrl-C."""
    with Live(auto_refresh=False, screen=True) as live:
        while True:
            now = datetime.now(UTC)
            live.update(view(gateway, facts(gateway, now), now), refresh=True)
            time.sleep(1)
