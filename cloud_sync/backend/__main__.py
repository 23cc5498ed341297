"""The command line: `aqua-backend …`.

Exit status: 0 done, 1 it failed (the message says why), 2 the command line is wrong.
"""

import argparse
import sys
from importlib import import_module
from typing import Final

from agent.domain.errors import AquaError

# Each module has `describe(parser)`; the parser's default `run` takes the options and returns the exit status.
COMMANDS: Final = {
    "topics": ("cloud_sync.backend.topics.command", "Kafka's topics: apply, check"),
    "schemas": ("cloud_sync.backend.schemas", "the schemas of what is in them: register, check"),
    "db": ("cloud_sync.backend.database.command", "the database: migrate, check, set, register"),
}


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except AquaError as error:
        print(f"aqua-backend: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="aqua-backend", description="What of AquaControl runs in the cloud.")
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (module, about) in COMMANDS.items():
        import_module(module).describe(subparsers.add_parser(name, help=about, description=about))
    return parser


if __name__ == "__main__":
    sys.exit(main())
