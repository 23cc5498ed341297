"""`aqua-gateway probes …`: the probe models. A file a command."""

import argparse
from pathlib import Path

from agent.commands import with_config_option


def describe(parser: argparse.ArgumentParser) -> None:
    """Add the commands to the parser of `probes`."""
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    known = with_config_option(commands.add_parser("list", help="the probe models, and how sure their facts are"))
    known.add_argument(
        "words", metavar="WORD", nargs="*", help="only those with all of these in name, title or channels"
    )
    known.add_argument("--json", action="store_true", help="for programs")
    known.set_defaults(command="probes.list")

    check = commands.add_parser("check", help="find every mistake in a probe model's file, and show its requests")
    check.add_argument("file", metavar="FILE.toml", type=Path)
    check.set_defaults(command="probes.check")
