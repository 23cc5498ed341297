"""Multi-variate (QARTOD test 9): a step that another quantity in the same tank should have seen, and did not.

Which quantities move together is known of a water and not in general (pH with oxygen where algae live), so there are no
limits by default.
"""

from dataclasses import dataclass

from agent.checks.check import Surroundings
from agent.checks.step import MOST_WITHIN_S, UnseenStep
from agent.domain.quantity import Quantity


@dataclass(frozen=True, slots=True)
class Limits:
    """`other` is the sensor type that moves along; the steps are in the canonical units of this one and of that."""

    other: str
    step: float
    other_step: float
    within_s: float = 600.0

    def __post_init__(self) -> None:
        if self.other not in [quantity.sensor_type for quantity in Quantity]:
            known = ", ".join(quantity.sensor_type for quantity in Quantity)
            raise ValueError(f"needs other to be one of {known}")
        if not (self.step > 0 and self.other_step > 0 and 0 < self.within_s <= MOST_WITHIN_S):
            raise ValueError(f"needs step > 0, other_step > 0 and 0 < within_s <= {MOST_WITHIN_S:g}")


class MultiVariate(UnseenStep):
    """With the first sensor of that type in the tank."""

    def __init__(self, limits: Limits, surroundings: Surroundings) -> None:
        super().__init__(limits, surroundings, surroundings.other(Quantity.of(limits.other)))
