"""`aqua-gateway buffer verify`: read every row; tell what is damaged or missing, and the rest like `status`."""

import argparse
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime

from rich.console import Console, Group
from rich.progress import Progress
from rich.text import Text

from agent import config
from agent.commands.showing import show
from agent.domain.errors import StoreError
from agent.store.inspection.reader import Reader
from agent.store.inspection.verification import Verified, verify
from agent.store.salvage.wreck import leftovers
from agent.views.buffer import facts, findings, view


def command(options: argparse.Namespace) -> int:
    """1 when something is damaged, or missing without a record of it."""
    gateway = config.load(options.config)
    with closing(Reader(gateway.store.path)) as reader:
        verified = _verified(reader)
        salvaging = bool(leftovers(gateway.store.path))
        try:
            seen, unread = facts(gateway, reader), None
        except StoreError as error:
            seen, unread = {}, f"the rest cannot be told: {error}"

    def draw() -> Group:
        rest = Text(unread, "bold red") if unread else view(seen, datetime.now(UTC))
        return Group(findings(verified, salvaging), rest)

    show({"well": verified.well, **asdict(verified), **seen}, draw, options.json)
    return 0 if verified.well else 1


def _verified(reader: Reader) -> Verified:
    """With a bar in the terminal: a full ring buffer takes minutes."""
    errors = Console(stderr=True)
    try:
        held = reader.counts()["held"] or None
    except StoreError:
        held = None  # `verify` tells more of it
    with Progress(console=errors, transient=True, disable=not errors.is_terminal) as progress:
        bar = progress.add_task("Reading every row", total=held)
        return verify(reader, lambda rows: progress.advance(bar, rows))
