"""`aqua-gateway probe log`: what was done to probes, newest first, whether the gateway runs or not."""

import argparse
from dataclasses import asdict

from rich.console import RenderableType

from agent import config
from agent.commands.showing import show
from agent.probe_health.log import ProbeLog
from agent.probe_look import named
from agent.views.tables import table


def command(options: argparse.Namespace) -> int:
    gateway = config.load(options.config)
    only = named(gateway.probes, options.probe) if options.probe else None
    name = f"{only.tank.name}/{only.name}" if only else None
    found = [one for one in ProbeLog(gateway.probe_log).entries() if name in (None, one.probe)]
    entries = [asdict(one) for one in sorted(found, key=lambda one: one.utc_us, reverse=True)]

    def view() -> RenderableType:
        shown = table("Probes", "time", "probe", "what", "by", "why")
        for one in entries:
            what = "calibrated, new cap" if one["cap"] else "calibrated"
            shown.add_row(one["time"], one["probe"], what, one["by"], one["note"] or "")
        return shown

    show({"entries": entries}, view, options.json)
    return 0
