"""What is packed ahead of its turn is used for that very batch, and decides nothing else."""

from collections.abc import Sequence

import pytest

from cloud_sync.contract.record import Record
from cloud_sync.uplink.packer import Packer
from tests.cloud_sync.things import records


class Scales:
    """Counts how often it packs; refuses a batch of one."""

    def __init__(self) -> None:
        self.packed: list[int] = []

    def pack(self, batch: Sequence[Record]) -> int:
        self.packed.append(batch[0].seq)
        if len(batch) == 1:
            raise ValueError("one is too few")
        return sum(record.seq for record in batch)


async def test_a_batch_that_was_packed_ahead_is_not_packed_again() -> None:
    scales, batch = Scales(), records(1, 3)
    packer = Packer(scales.pack, "test")
    packer.begin(batch)
    assert await packer.packed(batch) == 6
    assert scales.packed == [1]
    assert await packer.packed(batch) == 6
    assert scales.packed == [1, 1]


async def test_another_batch_than_expected_is_packed_itself() -> None:
    scales, expected = Scales(), records(1, 3)
    packer = Packer(scales.pack, "test")
    packer.begin(expected)
    assert await packer.packed(records(4, 5)) == 9
    assert await packer.packed(expected[:2]) == 3
    assert await packer.packed(expected) == 6


async def test_what_goes_wrong_ahead_of_its_turn_is_told_in_its_turn_alone() -> None:
    scales, bad = Scales(), records(7, 7)
    packer = Packer(scales.pack, "test")
    packer.begin(bad)
    assert await packer.packed(records(1, 2)) == 3
    packer.begin(bad)
    with pytest.raises(ValueError, match="too few"):
        await packer.packed(bad)
