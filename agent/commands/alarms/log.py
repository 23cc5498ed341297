"""`aqua-gateway alarms log`: the newest changes of alarms in the ring buffer, whether the gateway runs or not."""

import argparse
from contextlib import closing

from agent import config
from agent.commands.showing import show
from agent.store.inspection.reader import Reader
from agent.views.alarm import log_view


def command(options: argparse.Namespace) -> int:
    gateway = config.load(options.config)
    with closing(Reader(gateway.store.path)) as reader:
        changes = reader.alarm_changes(options.last)
    show({"changes": changes}, lambda: log_view(changes), options.json)
    return 0
