"""Neighbour (QARTOD test 11): a step that a second probe of the same quantity in the same tank did not see.

The manual calls it potentially the most useful test of all. It applies wherever a tank has two such probes.
"""

from dataclasses import dataclass

from agent.checks.check import Surroundings
from agent.checks.step import MOST_WITHIN_S, UnseenStep


@dataclass(frozen=True, slots=True)
class Limits:
    """In canonical units: our own `step`, and how little the neighbour has to move (`other_step`) to have seen it."""

    step: float
    other_step: float
    within_s: float = 600.0

    def __post_init__(self) -> None:
        if not (self.step > 0 and self.other_step > 0 and 0 < self.within_s <= MOST_WITHIN_S):
            raise ValueError(f"needs step > 0, other_step > 0 and 0 < within_s <= {MOST_WITHIN_S:g}")


class Neighbour(UnseenStep):
    """With the first other sensor of this one's quantity in the tank."""

    def __init__(self, limits: Limits, surroundings: Surroundings) -> None:
        super().__init__(limits, surroundings, surroundings.twin)
