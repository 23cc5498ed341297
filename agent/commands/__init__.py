"""A file a command; each has `command(options)`, which returns the exit status. Imported when it is called for."""

import argparse
import getpass
import os
from pathlib import Path

DEFAULT_CONFIG = "/etc/aquacontrol/gateway.toml"


def with_config(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """The command takes a configuration file as its argument."""
    parser.add_argument("config", nargs="?", type=Path, default=_default(), help=_help())
    return parser


def with_config_option(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """The same for a command whose arguments are something else."""
    parser.add_argument("--config", type=Path, default=_default(), metavar="FILE", help=_help())
    return parser


def person() -> str:
    """Who called, also by way of sudo."""
    return os.environ.get("SUDO_USER") or getpass.getuser()


def _default() -> Path:
    """Read when a command line is parsed."""
    return Path(os.environ.get("AQUA_CONFIG", DEFAULT_CONFIG))


def _help() -> str:
    return f"gateway.toml (default {_default()})"
