"""`aqua-gateway bus …`: what happens on a line, and what hangs on it. A file a command."""

import argparse

from agent.commands import with_config_option


def describe(parser: argparse.ArgumentParser) -> None:
    """Add the commands to the parser of `bus`."""
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    trace = with_config_option(commands.add_parser("trace", help="show every frame on a bus, until Ctrl-C"))
    trace.add_argument("bus", metavar="BUS", nargs="?", help="its name in the configuration; needless if there is one")
    trace.add_argument("--hex", action="store_true", help="the bytes of every frame, too")
    trace.set_defaults(command="bus.trace")
