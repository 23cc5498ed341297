"""`aqua-gateway init`: a configuration to begin with."""

import argparse

from agent.commands import with_config_option
from agent.commands.bus import numbers, units
from agent.setup.given import given_tank


def describe(parser: argparse.ArgumentParser) -> None:
    """Add the options; most answer a question."""
    with_config_option(parser)
    parser.add_argument("--yes", action="store_true", help="ask nothing: take the default of what is not given")
    parser.add_argument("--replace", action="store_true", help="put it in the place of the file that is there")
    parser.add_argument("--id", metavar="NAME", help="the gateway's name (default that of this machine)")
    parser.add_argument("--site", metavar="TEXT", help="the farm's name")
    parser.add_argument("--tank", action="append", default=[], type=given_tank, metavar="NAME[=SPECIES]")
    parser.add_argument("--port", action="append", default=[], help="as for `bus scan`; several may be given")
    parser.add_argument("--units", type=units, default=units("1-32"), metavar="1-32,55", help="(default 1-32)")
    parser.add_argument(
        "--bauds", type=numbers, default=(), metavar="9600,19200", help="(default those of the library)"
    )
    parser.add_argument("--no-scan", action="store_true", help="look for no probes")
    parser.add_argument(
        "--probe", action="append", default=[], metavar="TANK/NAME=MODEL@UNIT", help="instead of looking for it"
    )
    parser.add_argument("--mqtt", metavar="HOST[:PORT]", help="the broker (default 127.0.0.1:1883)")
    parser.add_argument("--archive", action="store_true", default=None, help="write daily files, too")
    parser.set_defaults(command="init.begin")
