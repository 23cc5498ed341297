"""`aqua-gateway alarms ack | shelve | …`: have the running gateway carry out what a person wants."""

import argparse
from typing import Any

from agent import config
from agent.control import ask
from agent.domain.errors import AquaError


def command(options: argparse.Namespace) -> int:
    """Raises AquaError with the gateway's reason when it refuses."""
    gateway = config.load(options.config)
    wanted = {key: value for key in ("do", "by", "reason", "minutes", "rule", "alarm", "occurrence")
              if (value := getattr(options, key, None)) is not None}  # fmt: skip
    if "place" in options:
        tank, _, probe = options.place.partition("/")
        wanted |= {"tank": tank} | ({"probe": probe} if probe else {})
    if options.do == "ack" and options.occurrence is None:
        wanted["occurrence"] = _newest(ask(gateway.control_socket, "alarms"), options.alarm)
    for change in ask(gateway.control_socket, "order", **wanted):
        until = f" until {change['until'][:16]}Z" if change["until"] else ""
        print(f"{change['alarm']}: {change['state'].replace('_', ' ')}{until}")
    return 0


def _newest(alarms: Any, name: str) -> int:
    found = {alarm["alarm"]: alarm["occurrence"] for alarm in alarms}
    if name not in found:
        raise AquaError(f"no alarm is called {name!r}; see: aqua-gateway alarms list --all")
    return int(found[name])
