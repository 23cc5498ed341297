"""`aqua-gateway probe …`: one probe of the farm, from close by. A file a command."""

import argparse

from agent.commands import person, with_config_option


def describe(parser: argparse.ArgumentParser) -> None:
    """Add the commands to the parser of `probe`."""
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    read = with_config_option(commands.add_parser("read", help="ask it once: raw registers beside converted values"))
    read.add_argument("probe", metavar="NAME", help="as in the configuration, or tank/name")
    read.add_argument("--json", action="store_true", help="for programs")
    read.set_defaults(command="probe.read")

    calibrated = with_config_option(commands.add_parser("calibrated", help="log that it was calibrated"))
    calibrated.add_argument("probe", metavar="NAME")
    calibrated.add_argument("--cap", action="store_true", help="it also got a new cap, membrane or electrode")
    calibrated.add_argument("--by", default=person(), metavar="WHO", help=f"who did it (default {person()})")
    calibrated.add_argument(
        "--at", metavar="TIME", help="such as 2026-07-01T06:00, in this machine's time (default now)"
    )
    calibrated.add_argument("--note", metavar="TEXT", help="buffers, values before and after, …")
    calibrated.set_defaults(command="probe.calibrated")

    log = with_config_option(commands.add_parser("log", help="what was done to it and the others, newest first"))
    log.add_argument("probe", metavar="NAME", nargs="?", help="this one alone")
    log.add_argument("--json", action="store_true", help="for programs")
    log.set_defaults(command="probe.log")
