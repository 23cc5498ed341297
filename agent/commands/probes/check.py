"""`aqua-gateway probes check`: is that probe model's file right, and what will reading such a probe take?"""

import argparse
import sys

from rich.console import Console

from agent.views.model import checked
from drivers import ProfileError, profile_names
from drivers.probes.profile_file import read_profile

WRONG = 2


def command(options: argparse.Namespace) -> int:
    """2 when the file is wrong: every mistake with what to do about it. Nothing is opened."""
    try:
        model = read_profile(options.file)
    except ProfileError as error:
        count = "1 mistake" if len(error.problems) == 1 else f"{len(error.problems)} mistakes"
        print(f"{options.file}: {count}", *error.problems, sep="\n  ", file=sys.stderr)
        return WRONG
    print(f"{options.file} is right: {model.name}, {model.title}")
    if model.name in profile_names():
        print(f"In the folder profiles/ it takes the place of the library's own {model.name}.")
    console = Console()
    console.print(checked(model), soft_wrap=not console.is_terminal)
    return 0
