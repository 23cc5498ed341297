"""`aqua-gateway run`: the gateway itself, until SIGTERM or SIGINT."""

import argparse
import asyncio
import signal
from random import Random

from agent import config, logs
from agent.app import App
from agent.clock import SystemClock
from agent.garbage import look_for_circles_seldom
from agent.timers import precise_loop


def command(options: argparse.Namespace) -> int:
    gateway = config.load_apart(options.config)
    logs.set_up(options.log_level)
    look_for_circles_seldom()
    with asyncio.Runner(loop_factory=precise_loop) as runner:
        runner.run(_run(gateway))
    return 0


async def _run(gateway: config.Gateway) -> None:
    app = App(gateway, SystemClock(), Random())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, app.stop)
    await app.run()
