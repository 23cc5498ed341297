"""What a process can do to the files of a folder, in the words that `disk` understands. Names are within the folder."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Open:
    """The file exists from now on, empty if it did not before."""

    name: str


@dataclass(frozen=True, slots=True)
class Write:
    """`offset` None: at the end of the file."""

    name: str
    offset: int | None
    data: bytes


@dataclass(frozen=True, slots=True)
class Resize:
    """The file is cut to that size, or filled up to it with zeros."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class Reserve:
    """The file is filled up to that size with zeros, unless it is longer."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class Sync:
    """What was done to that file (the folder, its names: "") by operations with a number below `before` is durable."""

    name: str
    before: int


@dataclass(frozen=True, slots=True)
class Rename:
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Remove:
    name: str


@dataclass(frozen=True, slots=True)
class Marker:
    """What the process said by one write to its standard output, such as what it has just promised."""

    said: str


Operation = Open | Write | Resize | Reserve | Sync | Rename | Remove | Marker
"""Numbered by their place in the recording."""
