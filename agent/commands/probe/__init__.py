"""`aqua-gateway probe …`: one probe of the farm, from close by. A file a command."""

import argparse

from agent.commands import with_config_option


def describe(parser: argparse.ArgumentParser) -> None:
    """Add the commands to the parser of `probe`."""
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    read = with_config_option(commands.add_parser("read", help="ask it once: raw registers beside converted values"))
    read.add_argument("probe", metavar="NAME", help="as in the configuration, or tank/name")
    read.add_argument("--json", action="store_true", help="for programs")
    read.set_defaults(command="probe.read")
