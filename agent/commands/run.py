"""`aqua-gateway run`: the gateway itself, until SIGTERM or SIGINT; SIGHUP applies a changed configuration."""

import argparse
import asyncio
import faulthandler
import signal
from functools import partial
from pathlib import Path
from random import Random

from agent import config, logs
from agent.app import App
from agent.clock import SystemClock
from agent.garbage import look_for_circles_seldom
from agent.reload import Reloading
from agent.timers import precise_loop
from agent.watchdog import Systemd


def command(options: argparse.Namespace) -> int:
    gateway = config.load_apart(options.config)
    logs.set_up(options.log_level)
    faulthandler.enable()  # a watchdog ends the process with SIGABRT: the log then tells where it hung
    look_for_circles_seldom()
    with asyncio.Runner(loop_factory=precise_loop) as runner:
        runner.run(_run(options.config, gateway))
    return 0


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
