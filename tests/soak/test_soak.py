"""The short form of `make soak`: everything befalls the chain, and nothing is lost, doubled, altered or made up."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.soak.chain import Chain
from tests.soak.chaos import Chaos
from tests.soak.course import out_of_order, run


@pytest.mark.timeout(600)
def test_from_the_twins_to_the_table_whatever_happens(tmp_path: Path) -> None:
    with ExitStack() as closing:
        chain = Chain(tmp_path, 20, 0.25, 2, closing)
        outcome = run(chain, Chaos(chain, 4), 20_000, print)
    print(outcome)
    assert outcome.clean, outcome
    assert outcome.verdict.stored >= 20_000


@pytest.mark.parametrize(
    ("seqs", "disorder"),
    [([1, 2, 3], 0), ([1, 50, 2, 51, 3, 52], 0), ([1, 50, 2, 1], 1), ([50, 1, 49, 51, 48], 1)],
)
def test_each_lane_only_goes_forwards(seqs: list[int], disorder: int) -> None:
    assert out_of_order(seqs) == disorder
