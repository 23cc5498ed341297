"""`aqua-gateway buffer replay`: have the gateway offer dead letters to the sink that refused them once more."""

import argparse
import time
from collections.abc import Sequence
from contextlib import closing

from agent import config
from agent.domain.errors import AquaError
from agent.health import read_status
from agent.store.inspection.letters import numbers_of
from agent.store.inspection.reader import Reader
from agent.store.requests import Replay, folder_beside, leave


def command(options: argparse.Namespace) -> int:
    """Leaves a request for the gateway, which alone writes the database."""
    gateway = config.load(options.config)
    known = [sink.name for sink in gateway.sinks]
    if options.sink not in known:
        raise AquaError(f"there is no sink {options.sink!r} in {options.config}; there is {', '.join(known) or 'none'}")
    with closing(Reader(gateway.store.path)) as reader:
        chosen = _chosen(options.sink, options.numbers, numbers_of(reader, options.sink))
    if not chosen:
        print(f"{options.sink} has refused nothing: there is nothing to offer again.")
        return 0
    leave(folder_beside(gateway.store.path), Replay(options.sink, options.numbers or None))
    status = read_status(gateway.status_file, time.time_ns() // 1000) or {}
    when = "within seconds" if status.get("state") == "running" else "when the gateway runs again"
    print(f"{len(chosen)} dead letters of {options.sink} will be offered again {when}.")
    return 0


def _chosen(sink: str, wanted: Sequence[int], held: Sequence[int]) -> Sequence[int]:
    unknown = sorted(set(wanted) - set(held))
    if unknown:
        names = ", ".join(str(number) for number in unknown)
        raise AquaError(f"{sink} has no dead letter {names}; see: aqua-gateway buffer dead-letters --sink {sink}")
    return sorted(set(wanted)) or held
