"""`aqua-gateway buffer dead-letters`: what sinks refused for good, and why."""

import argparse
import json
import sys
from collections import deque
from contextlib import closing
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from agent import config
from agent.store.inspection.letters import letters
from agent.store.inspection.reader import Reader
from agent.views.tables import table

_NEWEST = 20


def command(options: argparse.Namespace) -> int:
    """Oldest first; in the terminal only the newest few, unless `all` are wanted."""
    gateway = config.load(options.config)
    with closing(Reader(gateway.store.path)) as reader:
        found = letters(reader, options.sink)
        if options.json:
            json.dump(list(found), sys.stdout, ensure_ascii=False, indent=2)
            print()
            return 0
        count, shown = 0, deque[dict[str, Any]](maxlen=None if options.all else _NEWEST)
        for letter in found:
            count += 1
            shown.append(letter)
    console = Console()
    if not count:
        console.print(
            "There are no dead letters" + (f" of sink {options.sink}." if options.sink else "."), markup=False
        )
        return 0
    console.print(_view(shown, count), soft_wrap=not console.is_terminal)
    if count > len(shown):
        console.print(f"{count - len(shown):,} older ones are not shown: --all shows them.")
    if any(not letter["sink"] for letter in shown):
        console.print("Those of no sink (—) were taken out because their checksum was wrong; nobody gets them.")
    return 0


def _view(shown: deque[dict[str, Any]], count: int) -> Table:
    """Some lines a letter, which a phone has room for: what and when it was, and the sink's reason."""
    view = table(f"Dead letters: {count:,}", "number", "what", right=("number",))
    for letter in shown:
        time = f", {letter['time_utc'][:19].replace('T', ' ')} UTC" if letter["time_utc"] else ""
        what = Text(f"{letter['sink'] or '—'}, {letter['stream']} {letter['seq']}{time}\n", "bold")
        what.append(letter["what"] or "nobody can tell what it was", style="not bold")
        what.append(f"\n{letter['because']}", style="not bold red")
        if letter["offered_again"]:
            what.append("\nis to be offered again", style="not bold green")
        view.add_row(str(letter["number"]), what)
    return view
