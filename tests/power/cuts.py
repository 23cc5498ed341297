"""Where the power is cut in a recording, and what has arrived by then of what was pending."""

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import NamedTuple

from tests.power.disk import Disk, State, Version
from tests.power.operations import Marker, Open, Operation, Remove, Rename, Sync

Choice = Callable[[Sequence[Version], Random], Sequence[Version]]


class Cut(NamedTuple):
    """The power went after so many operations of the recording, and left this; equal states have equal prints."""

    after: int
    state: State
    fingerprint: int


def cuts(operations: Sequence[Operation], random: Random, rounds: int = 3) -> Iterator[Cut]:
    """Cuts after every operation of the recording: around an fsync, and where names change, with each of the CHOICES so
    many times; otherwise with two of them, once. Between two markers no state comes twice.
    """
    disk, seen = Disk(), set[int]()
    for number, operation in enumerate(operations):
        disk.apply(operation)
        if isinstance(operation, Marker):
            seen.clear()
        pending = disk.pending()
        near = any(isinstance(one, Sync | Rename | Remove | Open) for one in operations[number : number + 2])
        for choice in CHOICES * rounds if near else random.sample(CHOICES, 3):
            state = disk.after_cut(frozenset(choice(pending, random)))
            fingerprint = hash(frozenset(state.items()))
            if fingerprint not in seen:
                seen.add(fingerprint)
                yield Cut(number + 1, state, fingerprint)


def nothing(pending: Sequence[Version], random: Random) -> Sequence[Version]:
    return ()


def everything(pending: Sequence[Version], random: Random) -> Sequence[Version]:
    return pending


def in_order(pending: Sequence[Version], random: Random) -> Sequence[Version]:
    """All up to a sector in the midst of some write."""
    return pending[: random.randint(0, len(pending))]


def last_torn(pending: Sequence[Version], random: Random) -> Sequence[Version]:
    """All, but of the last operation only some sectors."""
    return [one for one in pending if one.number < pending[-1].number or random.random() < 0.5]


def some_operations(pending: Sequence[Version], random: Random) -> Sequence[Version]:
    share = random.random()
    numbers = {number for number in {one.number for one in pending} if random.random() < share}
    return [one for one in pending if one.number in numbers]


def some_sectors(pending: Sequence[Version], random: Random) -> Sequence[Version]:
    share = random.random()
    return [one for one in pending if random.random() < share]


def some_files(pending: Sequence[Version], random: Random) -> Sequence[Version]:
    """Of some files all, of the others nothing; the names of the folder count as a file."""
    files = {file for file in {one.file for one in pending} if random.random() < 0.5}
    return [one for one in pending if one.file in files]


CHOICES: list[Choice] = [nothing, everything, in_order, last_torn, some_operations, some_sectors, some_files]
