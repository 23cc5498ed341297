"""`aqua-gateway support-bundle`: one file with what somebody far away needs to help, without secrets."""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from agent.support.bundle import write
from agent.support.parts import Configuration, parts


def command(options: argparse.Namespace) -> int:
    """0 also when parts are missing, whether the gateway runs or not. Raises AquaError when nothing can be written."""
    configuration = Configuration.read(options.config)
    path = options.output or Path(f"aqua-support-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.tar.gz")
    contents = write(path, parts(configuration), configuration.secrets())
    print(f"{path} has, without passwords, keys and tokens:", *contents, sep="\n  ")
    print("Names of hosts and users and the newest readings are in it: look through it before you give it away.")
    return 0
