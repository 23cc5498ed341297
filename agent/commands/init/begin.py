"""`aqua-gateway init`: a few questions, a search for probes, and a configuration to begin with."""

import argparse
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from shutil import get_terminal_size
from textwrap import fill

from agent import config
from agent.commands.bus.scan import begun, must_be_free, searched
from agent.commands.library import configured, models
from agent.domain.errors import AquaError
from agent.domain.farm import BusSettings
from agent.scan.ports import serial_ports, thermometers
from agent.scan.search import Search
from agent.setup.draft import text
from agent.setup.given import Given, given_probe
from agent.setup.interview import interview
from agent.setup.lines import Hardware, Lines
from agent.setup.questions import Questions
from agent.setup.written import is_anothers, must_be_writable, write
from drivers.probes.modbus_table import TableProfile


def command(options: argparse.Namespace) -> int:
    """Nothing is written before the last answer, and nothing that the loader refuses."""
    if not (options.yes or sys.stdin.isatty()):
        raise AquaError("nobody can answer here: --yes takes the default of every question that no option answers")
    path = Path(options.config).absolute()
    ask = Questions(input, _say, present=not options.yes)
    must_be_writable(path)
    _may_be_replaced(path, options.replace, ask)
    ask.say("Enter takes what stands in [brackets]. Ctrl-C leaves everything as it is.")
    hardware = Hardware(serial_ports(), thermometers(), None if options.no_scan else _look(path, options))
    given = Given(
        gateway_id=options.id,
        site=options.site,
        tanks=options.tank,
        ports=options.port,
        probes=[given_probe(one) for one in options.probe],
        mqtt=options.mqtt,
        archive=options.archive,
    )
    try:
        draft = interview(given, ask, Lines(ask, hardware), path.parent, socket.gethostname())
        if not ask.yes(f"Write {path}?", True):
            raise KeyboardInterrupt
    except (KeyboardInterrupt, EOFError):
        print("\nNothing was written.", file=sys.stderr)
        return 1
    _tell(write(path, text(draft)), path)
    return 0


def _may_be_replaced(path: Path, replace: bool, ask: Questions) -> None:
    """Raises AquaError when it may not."""
    if replace or not is_anothers(path):
        return
    if not (ask.present and ask.yes(f"{path} is there already. Replace it? It stays as {path.name}.old.", False)):
        raise AquaError(f"{path} is kept as it is; --replace would keep it as {path.name}.old")


def _look(path: Path, options: argparse.Namespace) -> Callable[[BusSettings], Search]:
    gateway = configured(path)
    library = [model for model in models(gateway) if isinstance(model, TableProfile)]

    def look(settings: BusSettings) -> Search:
        if gateway is not None:
            must_be_free(gateway, settings)
        search = begun(settings)
        searched(search, library, options.units, options.bauds)
        return search

    return look


def _say(text: str) -> None:
    """Wrapped between words: a phone has narrow lines."""
    print(fill(text, get_terminal_size().columns, subsequent_indent="  "), flush=True)


def _tell(gateway: config.Gateway, path: Path) -> None:
    counted = [
        f"{len(found)} {kind}{'' if len(found) == 1 else 's'}"
        for kind, found in (("tank", gateway.tanks), ("probe", gateway.probes), ("alarm", gateway.alarms))
    ]
    print(f"\n{path} is written and right: {', '.join(counted)}. Next:")
    print("  sudo -u aquacontrol aqua-gateway read-once      # does every probe answer?")
    print("  sudo systemctl enable --now aqua-gateway        # or, if it runs: sudo systemctl restart aqua-gateway")
    print("  sudo -u aquacontrol aqua-gateway status --follow")
