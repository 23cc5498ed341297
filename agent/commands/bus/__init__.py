"""`aqua-gateway bus …`: what happens on a line, and what hangs on it. A file a command."""

import argparse

from agent.commands import with_config_option


def describe(parser: argparse.ArgumentParser) -> None:
    """Add the commands to the parser of `bus`."""
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    scan = with_config_option(commands.add_parser("scan", help="find the devices on a line; only reads"))
    scan.add_argument("port", metavar="PORT", help="/dev/ttyUSB0, tcp://HOST:502 or rtu-over-tcp://HOST:PORT")
    scan.add_argument("--units", type=units, default=units("1-247"), metavar="1-32,55", help="(default 1-247)")
    scan.add_argument("--bauds", type=numbers, default=(), metavar="9600,19200", help="(default those of the library)")
    scan.add_argument(
        "--reply-s", type=float, metavar="S", help="how long a device may think (default 0.2, on TCP 0.5)"
    )
    scan.set_defaults(command="bus.scan")

    trace = with_config_option(commands.add_parser("trace", help="show every frame on a bus, until Ctrl-C"))
    trace.add_argument("bus", metavar="BUS", nargs="?", help="its name in the configuration; needless if there is one")
    trace.add_argument("--hex", action="store_true", help="the bytes of every frame, too")
    trace.set_defaults(command="bus.trace")

    faults = with_config_option(commands.add_parser("faults", help="show the frames that went before each fault"))
    faults.add_argument("number", metavar="NUMBER", nargs="?", type=int, help="of one fault; without it all are listed")
    faults.add_argument("--hex", action="store_true", help="the bytes of every frame, too")
    faults.set_defaults(command="bus.faults")


def numbers(text: str) -> tuple[int, ...]:
    """`9600,19200`."""
    return tuple(int(part) for part in text.split(","))


def units(text: str) -> frozenset[int]:
    """Modbus addresses as `1-32,55`; raises ValueError, which argparse tells."""
    units: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        units.update(range(int(first), int(last or first) + 1))
    if not units or not units <= set(range(248)):
        raise ValueError
    return frozenset(units)
