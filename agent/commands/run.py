"""`aqua-gateway run`: the gateway itself, until SIGTERM or SIGINT; SIGHUP applies a changed configuration."""

import argparse
import asyncio
import faulthandler
import signal
import sys
from functools import partial
from pathlib import Path
from random import Random

from agent import config, logs
from agent.app import App
from agent.clock import SystemClock
from agent.config.example import write_example
from agent.garbage import look_for_circles_seldom
from agent.reload import Reloading
from agent.timers import precise_loop
from agent.watchdog import Systemd


def command(options: argparse.Namespace) -> int:
    """2 when there was no configuration: then there is an example of one, and what to do next is said."""
    if _begun(options.config):
        return 2
    gateway = config.load_apart(options.config)
    logs.set_up(options.log_level)
    faulthandler.enable()  # a watchdog ends the process with SIGABRT: the log then tells where it hung
    look_for_circles_seldom()
    with asyncio.Runner(loop_factory=precise_loop) as runner:
        runner.run(_run(options.config, gateway))
    return 0


def _begun(path: Path) -> bool:
    """Whether there was none, and an example could be put there; if not, loading tells why."""
    try:
        write_example(path)
    except OSError:
        return False
    print(
        f"There was no {path}: an example is there now. Next:\n"
        f"  1. edit {path}, or let `aqua-gateway init` ask for tanks and probes\n"
        "  2. aqua-gateway check-config   # every mistake, with what to do about it\n"
        "  3. start the gateway again",
        file=sys.stderr,
    )
    return True


async def _run(path: Path, gateway: config.Gateway) -> None:
    clock, supervisor = SystemClock(), Systemd.of_environment()
    running = Reloading(
        gateway,
        load=partial(config.load_anew, path),
        make=lambda gateway: App(gateway, clock, Random(), supervisor),
        supervisor=supervisor,
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, running.stop)
    loop.add_signal_handler(signal.SIGHUP, running.reload)
    await running.run()
