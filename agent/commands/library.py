"""The probe models that commands know: the library's, and those in the folder that a configuration names."""

import sys
from pathlib import Path

from agent import config
from agent.config import ConfigError
from drivers import ProfileError, profile, profile_names
from drivers.interfaces import Profile


def configured(path: Path) -> config.Gateway | None:
    """The gateway of this machine; None when there is no right configuration, without which much can be looked at."""
    try:
        return config.load(path)
    except ConfigError as error:
        if path.exists():
            print(f"models of your own are left out, for the configuration is not right:\n{error}\n", file=sys.stderr)
        return None


def models(gateway: config.Gateway | None) -> list[Profile]:
    """Sorted by name; a file that is wrong is told and left out."""
    folder = None if gateway is None else gateway.profiles_dir
    found = []
    for name in profile_names(folder):
        try:
            found.append(profile(name, folder))
        except ProfileError as error:
            print(f"left out: {error}", file=sys.stderr)
    return found
