"""`python -m tests.bench.anomalies [--data FOLDER]`: the anomaly beside the specification's z-score.

Over real water with a technician's labels (the Logan River's, or those of FOLDER: see `river`) and over simulated ponds
with every fault a probe can have. All have the gross range in front of them, as on the gateway; "all checks" are the
default limits. One configuration for everything. The second table changes the water and the way it is measured.
"""

import argparse
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

from agent.checks import gross_range
from agent.checks.check import Surroundings
from agent.checks.defaults import limits_for
from agent.checks.sensor_checks import SensorChecks
from agent.domain.farm import Span
from agent.domain.quantity import Quantity
from agent.domain.reading import CheckedReading, Flag
from tests.agent.farm import reading
from tests.bench.anomalies import pairs, ponds, river
from tests.bench.anomalies.scoring import Score
from tests.bench.anomalies.series import Series

_SPANS = {
    Quantity.TEMPERATURE: Span(-5, 50),
    Quantity.PH: Span(0, 14),
    Quantity.DISSOLVED_OXYGEN: Span(0, 20),
    Quantity.CONDUCTIVITY: Span(0, 100),
}
"""What the probes can measure: all that stands in front of every detector."""

_DOUBTS = {str(flag.value) for flag in (Flag.SUSPECT, Flag.FAIL)}

Choice = Callable[[Mapping[str, Any]], Mapping[str, Any]]

DETECTORS: Mapping[str, Choice] = {
    "z-score": lambda limits: {"z_score": limits["z_score"]},
    "anomaly": lambda limits: {"anomaly": limits["anomaly"]},
    "all checks": lambda limits: limits,
}


def score(choice: Choice, many: Iterable[Series]) -> Score:
    """What a detector made of all these series."""
    total = Score()
    for series in many:
        span = gross_range.Limits(sensor=_SPANS[series.quantity])
        limits = {**choice(limits_for(series.quantity)), "gross_range": span}
        period_s = median(after - before for before, after in zip(series.at_s, series.at_s[1:], strict=False))
        checks = SensorChecks(limits, Surroundings(period_s=period_s))
        readings = [reading(at_s, value) for at_s, value in zip(series.at_s, series.values, strict=True)]
        began_s = time.process_time()
        checked = [checks.check(one) for one in readings]
        seconds = time.process_time() - began_s
        total.add(series, [_is_told(one, alone=len(limits) == 2) for one in checked], seconds)
    return total


def _is_told(checked: CheckedReading, alone: bool) -> bool:
    """A check that is scored alone is scored by what it says, be it only noted."""
    return checked.flag in (Flag.SUSPECT, Flag.FAIL) or (alone and not _DOUBTS.isdisjoint(checked.tests))


def every(series: Series, step: int) -> Series:
    """Every so many readings."""
    return _some(series, range(0, len(series.values), step))


def with_holes(series: Series, missing: float) -> Series:
    chance = Random(series.name)
    return _some(series, [n for n in range(len(series.values)) if chance.random() >= missing])


def half(series: Series, which: int) -> Series:
    middle = len(series.values) // 2
    return _some(series, range(middle * which, middle * (which + 1)))


def _some(series: Series, kept: Sequence[int]) -> Series:
    return Series(
        series.name, series.quantity, [series.at_s[n] for n in kept],
        [series.values[n] for n in kept], [series.labels[n] for n in kept],
    )  # fmt: skip


_HEAD = "| {:<34} | {:>22} | {:>22} | {:>9} | {:>11} | {:>5} |"


def _print_head(what: str) -> None:
    print()
    print(_HEAD.format(what, "event P / R / F1", "reading P / R / F1", "false/day", "delay, min", "µs"))
    print(_HEAD.format(*["---"] * 6))


def _print(name: str, result: Score) -> None:
    by_event, by_reading = (" / ".join(f"{x:.2f}" for x in xs) for xs in (result.by_event, result.by_reading))
    delay = " / ".join(f"{minutes:.0f}" for minutes in result.delay_min)
    false = f"{result.false_alarms_a_day:.3f}"
    print(_HEAD.format(name, by_event, by_reading, false, delay, f"{result.us_a_reading:.1f}"))


def _compare(water: str, many: Sequence[Series]) -> dict[str, Score]:
    results = {name: score(choice, many) for name, choice in DETECTORS.items()}
    some = results["anomaly"]
    _print_head(f"{water}: {some.readings} readings, {some.days:.0f} sensor-days, {some.events.total()} events")
    for name, result in results.items():
        _print(name, result)
    return results


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m tests.bench.anomalies")
    arguments.add_argument("--data", type=Path, default=river.LOGAN_RIVER, help="a folder of labelled CSV files")
    real = list(river.series_of(arguments.parse_args().data))
    simulated = list(ponds.series_of(seed=1))
    print("false/day: false alarms a sensor and day; delay: median / 90th percentile; µs: of processor a reading")
    _compare("river", real)
    results = _compare("ponds", simulated)

    print("\nfound in the ponds, by kind of fault:")
    for kind, events in sorted(results["anomaly"].events.items()):
        print(
            f"  {kind}: "
            + ", ".join(f"{name} {result.found[kind]}" for name, result in results.items())
            + f" of {events}"
        )

    _print_head("the anomaly under other conditions")
    anomaly = DETECTORS["anomaly"]
    for name, many in (
        ("river, first half", [half(series, 0) for series in real]),
        ("river, second half", [half(series, 1) for series in real]),
        ("river, every second reading", [every(series, 2) for series in real]),
        ("river, 10 % missing", [with_holes(series, 0.1) for series in real]),
        ("ponds, another fortnight", list(ponds.series_of(seed=2, days=14))),
        ("ponds, three times the noise", list(ponds.series_of(seed=3, days=14, noise=3.0))),
        ("ponds, a third of the noise", list(ponds.series_of(seed=4, days=14, noise=1 / 3))),
        ("ponds, every 5 s", list(ponds.series_of(seed=5, days=7, every_s=5.0))),
        ("ponds, every 5 min", [every(series, 5) for series in simulated]),
        ("ponds, 30 % missing", [with_holes(series, 0.3) for series in simulated]),
    ):
        _print(name, score(anomaly, many))
    print()
    pairs.report()


if __name__ == "__main__":
    main()
