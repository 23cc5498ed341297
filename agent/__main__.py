"""The command line: `aqua-gateway …`.

Exit status: 0 done, 1 it failed at run time (the message says why), 2 the command line or the configuration is wrong
(nothing was started), 3 the gateway is not running (`status`).
"""

import argparse
import os
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from agent.commands import with_config, with_config_option
from agent.commands.alarms import describe as describe_alarms
from agent.commands.buffer import describe as describe_buffer
from agent.commands.bus import describe as describe_bus
from agent.commands.init import describe as describe_init
from agent.commands.probe import describe as describe_probe
from agent.commands.probes import describe as describe_probes
from agent.config import ConfigError
from agent.domain.errors import AquaError

_EPILOG = """exit status: 0 done · 1 failed, the message says why · 2 wrong command line or configuration ·
3 the gateway is not running (status)"""


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        if options.command == "simulate":
            return _simulate(options)
        command: Callable[[argparse.Namespace], int] = import_module(f"agent.commands.{options.command}").command
        return command(options)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    except AquaError as error:
        print(f"aqua-gateway: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # `… | head` is not an error
        return 0
    except KeyboardInterrupt:
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="aqua-gateway",
        description="Reads probes, checks every reading, raises alarms, and delivers what it stored.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")

    describe_init(subparsers.add_parser("init", help="ask a few questions and write a configuration to begin with"))

    run = with_config(subparsers.add_parser("run", help="run the gateway until it is told to stop"))
    run.add_argument("--log-level", default="INFO", choices=["DEBUG", "INFO", "WARNING", "ERROR"])
    run.set_defaults(command="run")

    check = with_config(subparsers.add_parser("check-config", help="find every mistake in a configuration file"))
    check.set_defaults(command="check_config")

    once = with_config(subparsers.add_parser("read-once", help="ask every probe once and print what it answers"))
    once.set_defaults(command="read_once")

    status = with_config(subparsers.add_parser("status", help="show sensors, alarms, sinks and files of the gateway"))
    status.add_argument("--follow", action="store_true", help="keep showing, until Ctrl-C")
    status.add_argument("--json", action="store_true", help="for programs")
    status.set_defaults(command="status")

    metrics = with_config(subparsers.add_parser("metrics", help="how the running gateway does, as Prometheus reads it"))
    metrics.add_argument("--json", action="store_true", help="as JSON")
    metrics.set_defaults(command="metrics")

    bundle = with_config_option(subparsers.add_parser("support-bundle", help="one file for whoever helps from afar"))
    bundle.add_argument("--output", type=Path, metavar="FILE.tar.gz", help="(default here, with the time in its name)")
    bundle.set_defaults(command="support_bundle")

    buffer = subparsers.add_parser(
        "buffer", help="look into the ring buffer: status, verify, export, dead-letters, replay"
    )
    describe_buffer(buffer)

    describe_alarms(
        subparsers.add_parser("alarms", help="where alarms stand: list, log; and ack, shelve, maintenance, …")
    )
    describe_bus(subparsers.add_parser("bus", help="look at a line: scan, trace, faults"))
    describe_probe(subparsers.add_parser("probe", help="one probe of the farm: read, calibrated, log"))
    describe_probes(subparsers.add_parser("probes", help="the probe models: list, check"))

    simulate = subparsers.add_parser("simulate", help="stand in for hardware: ponds, probes and lines from a farm file")
    simulate.add_argument("farm", metavar="FARM.toml", help="see simulators/farms/ for examples")
    simulate.set_defaults(command="simulate")
    return parser


def _simulate(options: argparse.Namespace) -> int:
    # Handed over inside this one command: nothing else at run time knows the simulators.
    from simulators.__main__ import main as simulators_main

    return simulators_main([options.farm])


if __name__ == "__main__":
    sys.exit(main())
