"""How a probe does: all evidence, and one sentence on what to do first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from agent.scores.evidence import ACT, GOOD, UNKNOWN, Evidence, Seen, Upkeep, evidence

WEIGHT: Final = (
    "gaps", "stuck", "slope", "offset", "response", "pair_drift", "noise", "cap_age", "calibration_age",
)  # fmt: skip
"""Every kind, the most urgent first: of several that want an act the first gives the sentence."""


@dataclass(frozen=True, slots=True)
class ProbeHealth:
    """`state` is "act" where a piece of evidence wants one, with the sentence in `advice`; "good" if none does, and at
    least gaps and stuck values are known of every sensor; else "unknown".
    """

    state: str
    advice: str | None
    evidence: tuple[Evidence, ...]


def probe_health(name: str, sensors: Sequence[Seen], upkeep: Upkeep, condition: Mapping[str, Any]) -> ProbeHealth:
    """Of the probe `name`; `condition` is what its driver knows of it."""
    found = tuple(evidence(sensors, upkeep, condition))
    wanted = [one for one in found if one.state == ACT]
    if wanted:
        first = min(wanted, key=lambda one: WEIGHT.index(one.what))
        return ProbeHealth(ACT, f"{name}: {first.because}", found)
    is_known = found and all(one.state == GOOD for one in found if one.what in ("gaps", "stuck"))
    return ProbeHealth(GOOD if is_known else UNKNOWN, None, found)
