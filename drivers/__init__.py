"""Hardware: the lines that carry bytes, and the probes that speak on them.

`DRIVERS` lists the probe models written in Python. Every other model is a TOML file named after it, in the user's own
folder or in `drivers/probes`.
"""

from difflib import get_close_matches
from pathlib import Path
from typing import Final

from agent.domain.errors import AquaError
from drivers.interfaces import Profile
from drivers.probes.atlas_ezo import EZO_PROFILES
from drivers.probes.ds18b20 import Ds18b20Profile
from drivers.probes.profile_entry import ProfileError
from drivers.probes.profile_file import read_profile

__all__ = ["DRIVERS", "ProfileError", "UnknownProfile", "profile", "profile_names"]

DRIVERS: Final[dict[str, Profile]] = {model.name: model for model in (*EZO_PROFILES, Ds18b20Profile())}

_OWN_FOLDER: Final = Path(__file__).parent / "probes"


class UnknownProfile(AquaError):
    """No probe model has that name."""


def profile(name: str, folder: Path | None = None) -> Profile:
    """The probe model `name`; a file in `folder` comes before one of ours.

    Raises UnknownProfile, naming similar ones, or ProfileError when its file is wrong.
    """
    if file := _files(folder).get(name):
        return read_profile(file)
    if name in DRIVERS:
        return DRIVERS[name]
    near = get_close_matches(name, profile_names(folder), n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(near)}?" if near else "`aqua-gateway` knows none that is similar"
    raise UnknownProfile(f"no probe profile is named {name!r}: {hint}")


def profile_names(folder: Path | None = None) -> tuple[str, ...]:
    """Every name that `profile` knows, sorted."""
    return tuple(sorted({*DRIVERS, *_files(folder)}))


def _files(folder: Path | None) -> dict[str, Path]:
    """Name → file; the user's own win."""
    folders = [_OWN_FOLDER] if folder is None else [_OWN_FOLDER, folder]
    return {file.stem: file for place in folders for file in sorted(place.glob("*.toml"))}
