"""Two pH probes in one simulated pond, each with its own slope, slowness, noise and place in the water.

In half of the runs one of them drifts from the third day on.
"""

from collections.abc import Iterator
from random import Random
from statistics import median

from agent.checks.check import Point, Surroundings
from agent.checks.defaults import limits_for
from agent.checks.pair_drift import PairDrift
from agent.checks.trace import Trace
from agent.domain.quantity import Quantity
from agent.domain.reading import Flag
from simulators.pond import Pond
from tests.bench.anomalies.ponds import PONDS

_DAY_S, _MINUTE_S = 86_400.0, 60.0
_LEARNT_S = 2 * _DAY_S


def values(seed: int, days: float, drift_a_day: float) -> Iterator[tuple[float, float, float]]:
    """Seconds, and what the two say once a minute; the second one drifts from `_LEARNT_S` on.

    Healthy electrodes have 95 to 105 % of the slope and answer within tens of seconds to minutes (t90); 0.006 of noise
    is less than the last digit. What the water differs by between the two places wanders by about 0.01 within an hour.
    """
    chance = Random(f"pair {seed}")
    pond = Pond(list(PONDS.values())[seed % len(PONDS)], seed=seed)
    slopes = [chance.uniform(0.97, 1.03) for _ in range(2)]
    shares = [_MINUTE_S / (_MINUTE_S + chance.uniform(10, 300)) for _ in range(2)]
    offset, place = chance.uniform(-0.1, 0.1), 0.0
    shown = [pond.at(0.0).ph or 7.0] * 2
    for n in range(int(days * _DAY_S / _MINUTE_S)):
        at_s = n * _MINUTE_S
        ph = pond.at(at_s).ph or 7.0
        place += -place / 60 + chance.gauss(0, 0.01 * (2 / 60) ** 0.5)
        for which in range(2):
            true = 7.0 + slopes[which] * (ph + which * place - 7.0)
            shown[which] += shares[which] * (true - shown[which])
        drift = drift_a_day * max(0.0, at_s - _LEARNT_S) / _DAY_S
        noise = chance.gauss(0, 0.006), chance.gauss(0, 0.006)
        yield at_s, round(shown[0] + noise[0], 2), round(shown[1] + offset + drift + noise[1], 2)


def found_after_h(seed: int, days: float, drift_a_day: float) -> float | None:
    """Hours from the beginning of the drift (or of the third day) to the first word of either probe; None if none."""
    traces = Trace("ph-1/ph"), Trace("ph-2/ph")
    checks = [
        PairDrift(limits_for(Quantity.PH)["pair_drift"], Surroundings(Quantity.PH, _MINUTE_S, {Quantity.PH: [other]}))
        for other in reversed(traces)
    ]
    for at_s, *pair in values(seed, days, drift_a_day):
        for check, trace, value in zip(checks, traces, pair, strict=True):
            if check.judge(Point(at_s, value)).flag is Flag.SUSPECT:
                return (at_s - _LEARNT_S) / 3600
            check.learn(at_s, value, 1.0)
            trace.add(at_s, value)
    return None


def report() -> None:
    """What is found of drifts, and that nothing is found of none: 12 pairs each, 240 sensor-days without a drift."""
    print("pairs of pH probes, one of which drifts:")
    for drift in (0.1, 0.05, 0.03):
        delays = [found_after_h(seed, 8.0, drift) for seed in range(12)]
        told = sorted(delay for delay in delays if delay is not None)
        early = sum(delay < 0 for delay in told)
        print(
            f"  {drift} a day: {len(told) - early} of {len(delays)} found after {median(told):.1f} h (median),"
            f" {told[-1]:.1f} h (latest); {early} before it began"
        )
    false = [found_after_h(seed, 12.0, 0.0) for seed in range(100, 112)]
    print(f"  none: {sum(delay is not None for delay in false)} false alarms in {12 * 12 * 2 - 12 * 2 * 2} sensor-days")
