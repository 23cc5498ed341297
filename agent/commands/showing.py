"""What a command found, as a person or a program wants it."""

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console, RenderableType

_FOR_PROGRAMS = 10_000
"""Characters a line: a file or a pipe cuts nothing."""


def show(seen: Mapping[str, Any], draw: Callable[[], RenderableType], as_json: bool) -> None:
    """On standard output: `seen` as JSON, or what is drawn of it, whose lines only a terminal cuts."""
    if as_json:
        json.dump(seen, sys.stdout, ensure_ascii=False, indent=2)
        print()
    else:
        console = Console()
        if not console.is_terminal:
            console.width = _FOR_PROGRAMS
        console.print(draw(), soft_wrap=not console.is_terminal)
