"""`aqua-gateway probes list`: every probe model there is, and what of it is not verified."""

import argparse

from agent.commands.library import configured, models
from agent.commands.showing import show
from agent.views.model import facts, listed


def command(options: argparse.Namespace) -> int:
    """1 when nothing fits the words."""
    found = [facts(model) for model in models(configured(options.config))]
    for word in options.words:
        found = [model for model in found if word.lower() in _searched(model)]
    show({"models": found}, lambda: listed(found), options.json)
    return 0 if found else 1


def _searched(model: dict[str, object]) -> str:
    return f"{model['name']} {model['title']} {model['channels']}".lower()
