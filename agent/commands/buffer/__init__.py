"""`aqua-gateway buffer …`: what is in the ring buffer, while the gateway runs or after. A file a command.

They only read the database; what they ask of the gateway they leave as a request for it (agent/store/requests.py).
"""

import argparse
from pathlib import Path

from agent.commands import with_config, with_config_option

KINDS = ("readings", "rollups", "alarms", "gaps", "dead-letters")
"""What `export` can write: keys of `agent.store.inspection.extract`."""


def describe(parser: argparse.ArgumentParser) -> None:
    """Add the commands to the parser of `buffer`."""
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    status = with_config(commands.add_parser("status", help="how full it is, what it holds, what waits for whom"))
    status.add_argument("--json", action="store_true", help="for programs")
    status.set_defaults(command="buffer.status")

    verify = with_config(commands.add_parser("verify", help="read every row and tell what is damaged or missing"))
    verify.add_argument("--json", action="store_true", help="for programs")
    verify.set_defaults(command="buffer.verify")

    export = with_config(
        commands.add_parser("export", help="write what is stored of a time range as CSV or JSON Lines")
    )
    export.add_argument("--what", choices=KINDS, default="readings", help="(default readings)")
    export.add_argument(
        "--from", dest="begin", metavar="TIME", help="from this ISO time on, UTC unless it says otherwise"
    )
    export.add_argument("--to", dest="end", metavar="TIME", help="up to, but not including, this time")
    export.add_argument("--format", choices=["csv", "jsonl"], default="csv")
    export.add_argument("--output", type=Path, metavar="FILE", help="instead of the terminal; never overwritten")
    export.set_defaults(command="buffer.export")

    letters = with_config(commands.add_parser("dead-letters", help="show what sinks refused for good, and why"))
    letters.add_argument("--sink", metavar="NAME", help="only what this one refused")
    letters.add_argument("--all", action="store_true", help="not only the newest")
    letters.add_argument("--json", action="store_true", help="for programs: all of them, with the whole entries")
    letters.set_defaults(command="buffer.dead_letters")

    replay = commands.add_parser("replay", help="have the gateway offer dead letters again")
    replay.add_argument("sink", metavar="SINK", help="the sink that refused them")
    which = replay.add_mutually_exclusive_group(required=True)
    which.add_argument("numbers", metavar="NUMBER", nargs="*", type=int, default=[], help="as dead-letters shows them")
    which.add_argument("--all", action="store_true", help="all that this sink refused")
    with_config_option(replay).set_defaults(command="buffer.replay")
