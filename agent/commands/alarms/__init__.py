"""`aqua-gateway alarms …`: where the alarms of the gateway stand, and what to do about them. A file a command."""

import argparse

from agent.alarm_orders import RULES
from agent.commands import person, with_config_option


def describe(parser: argparse.ArgumentParser) -> None:
    """Add the commands to the parser of `alarms`."""
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    listed = with_config_option(commands.add_parser("list", help="those that are not normal, and where they stand"))
    listed.add_argument("--all", action="store_true", help="also those that are normal")
    listed.add_argument("--json", action="store_true", help="for programs")
    listed.set_defaults(command="alarms.list")

    log = with_config_option(commands.add_parser("log", help="what happened to them, newest first"))
    log.add_argument("--last", type=int, default=20, metavar="N", help="how many changes (default 20)")
    log.add_argument("--json", action="store_true", help="for programs")
    log.set_defaults(command="alarms.log")

    metrics = with_config_option(commands.add_parser("metrics", help="how many there are, and which come most"))
    metrics.add_argument("--json", action="store_true", help="for programs")
    metrics.set_defaults(command="alarms.metrics")

    ack = _order(commands, "ack", "acknowledge one: I have seen it and act")
    ack.add_argument("alarm", metavar="ALARM", help="as list shows it")
    ack.add_argument("--occurrence", type=int, metavar="N", help="the one that is meant (default: the newest)")
    shelve = _order(commands, "shelve", "silence one for a while")
    shelve.add_argument("alarm", metavar="ALARM")
    _for_minutes(shelve)
    for verb, means in (
        ("unshelve", "end a shelving before its time"),
        ("reset", "let a latched one go, which is over and acknowledged"),
        ("remove", "take one out of service until it is returned"),
        ("return", "put it back into service"),
    ):
        _order(commands, verb, means).add_argument("alarm", metavar="ALARM")

    work = _order(commands, "maintenance", "silence what a work on a tank or probe sets off; ends by itself")
    work.add_argument("place", metavar="TANK[/PROBE]")
    work.add_argument("--rule", required=True, choices=list(RULES))
    _for_minutes(work)
    _order(commands, "end-maintenance", "end it before its time").add_argument("place", metavar="TANK[/PROBE]")


def _order(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", verb: str, means: str
) -> argparse.ArgumentParser:
    parser = with_config_option(commands.add_parser(verb, help=means))
    parser.add_argument("--by", default=person(), metavar="WHO", help=f"who does it (default {person()})")
    parser.add_argument("--reason", metavar="WHY")
    parser.set_defaults(command="alarms.order", do=verb)
    return parser


def _for_minutes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--minutes", type=float, required=True, metavar="M", help="then it is watched again")
