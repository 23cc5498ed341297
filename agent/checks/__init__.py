"""The checks: limits and a class a file; a reading gets the worst flag and the lowest quality.

Read `check` first (what a check is), then `spike` (one of them), then `sensor_checks` (all of them together).

To add a check, write `agent/checks/<name>.py` with frozen `Limits` and a `Check`, and add its line here.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from agent.checks import (
    anomaly,
    attenuated_signal,
    climatology,
    flat_line,
    gross_range,
    multi_variate,
    neighbour,
    night_oxygen,
    out_of_water,
    pair_drift,
    previous_spike,
    rate_of_change,
    spike,
    syntax,
    timing,
    z_score,
)
from agent.checks.check import Check
from agent.domain.reading import Flag


class Kind(NamedTuple):
    """A kind of check: the type of its limits, and the class that judges by them."""

    limits: type[Any]
    check: type[Check]


CHECKS: dict[str, Kind] = {
    "gross_range": Kind(gross_range.Limits, gross_range.GrossRange),
    "spike": Kind(spike.Limits, spike.Spike),
    "rate_of_change": Kind(rate_of_change.Limits, rate_of_change.RateOfChange),
    "flat_line": Kind(flat_line.Limits, flat_line.FlatLine),
    "z_score": Kind(z_score.Limits, z_score.ZScore),
    "syntax": Kind(syntax.Limits, syntax.Syntax),
    "anomaly": Kind(anomaly.Limits, anomaly.Anomaly),
    "timing": Kind(timing.Limits, timing.Timing),
    "climatology": Kind(climatology.Limits, climatology.Climatology),
    "attenuated_signal": Kind(attenuated_signal.Limits, attenuated_signal.AttenuatedSignal),
    "multi_variate": Kind(multi_variate.Limits, multi_variate.MultiVariate),
    "neighbour": Kind(neighbour.Limits, neighbour.Neighbour),
    "previous_spike": Kind(previous_spike.Limits, previous_spike.PreviousSpike),
    "pair_drift": Kind(pair_drift.Limits, pair_drift.PairDrift),
    "out_of_water": Kind(out_of_water.Limits, out_of_water.OutOfWater),
    "night_oxygen": Kind(night_oxygen.Limits, night_oxygen.NightOxygen),
}
"""In the order in which their digits stand in a reading's `tests`: a new one goes last, since stored readings stay. At
most 18: the ring buffer keeps them as one whole number.
"""

_WORST_FIRST = (Flag.FAIL, Flag.SUSPECT, Flag.GOOD, Flag.NOT_EVALUATED)


def worst(flags: Iterable[Flag]) -> Flag:
    """One flag for many: FAIL over SUSPECT over GOOD over NOT_EVALUATED; an explicit order, not the number.

    GOOD beats NOT_EVALUATED, since a reading that passed one test was evaluated. NOT_EVALUATED for none. MISSING is not
    among them: a reading without value is MISSING whatever single tests say of it, so that no GOOD can hide it (as it
    can in ioos_qc's qartod_compare).
    """
    seen = set(flags)
    return next((flag for flag in _WORST_FIRST if flag in seen), Flag.NOT_EVALUATED)
