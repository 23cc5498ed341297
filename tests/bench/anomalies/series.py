"""A labelled series: what one probe said, and which of it was wrong."""

from dataclasses import dataclass

from agent.domain.quantity import Quantity


@dataclass(frozen=True, slots=True)
class Series:
    """Readings of one sensor in canonical units, oldest first.

    `labels[n]` names what was wrong with reading n: a word of the simulation, a technician's code, or "" where nothing
    was.
    """

    name: str
    quantity: Quantity
    at_s: list[float]
    values: list[float]
    labels: list[str]

    @property
    def days(self) -> float:
        return (self.at_s[-1] - self.at_s[0]) / 86_400
