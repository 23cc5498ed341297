"""What ioos_qc says of whole series, and the same series through our checks, one reading at a time.

ioos_qc counts points where a gateway counts seconds, so where the count matters (spike, flat line) a reading's time is
its number; and its thresholds are translated into our limits. Nothing else is adapted. Each vector is one of
`ioos_qc 3.0.0` (see "about" in the file); `Case.ours` gives our flags for it.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count, pairwise
from math import inf, isfinite, nextafter
from pathlib import Path
from statistics import median
from typing import Any

from agent.checks import (
    attenuated_signal,
    climatology,
    flat_line,
    gross_range,
    previous_spike,
    rate_of_change,
    timing,
)
from agent.checks.check import Check, Point
from agent.domain.farm import Span
from tests.agent.checks.taught import made

_VECTORS = json.loads(Path(__file__).with_name("qartod_vectors.json").read_text(encoding="utf-8"))
QUIRKS: dict[str, str] = _VECTORS["about"]["quirks"]


@dataclass(frozen=True, slots=True)
class Case:
    """`expected` has a flag digit a reading; it is None where ioos_qc refused the series."""

    test: str
    series: str
    config: dict[str, Any]
    expected: str | None
    quirks: frozenset[str]
    interval_s: float

    def __str__(self) -> str:
        return f"{self.test}/{self.series}/{json.dumps(self.config)}"

    @property
    def times(self) -> list[float]:
        times: list[float] = _VECTORS["series"][self.series]["t"]
        return times

    @property
    def values(self) -> list[float | None]:
        return [value if value is None else float(value) for value in _VECTORS["series"][self.series]["x"]]

    def ours(self) -> str:
        """Our flags for the same."""
        return _OURS[self.test](self)


def _flags(check: Check, times: Iterable[float], values: Iterable[float | None], infinite: bool = False) -> str:
    """One digit a value; what is no finite number is missing, unless it is to be judged as it is."""
    digits = ""
    for at_s, value in zip(times, values, strict=False):
        if value is None or not (infinite or isfinite(value)):
            digits += "9"
            continue
        digits += str(check.judge(Point(at_s, value, round(at_s * 1e6))).flag.value)
        check.learn(at_s, value, 1.0)
    return digits


def _span(ends: Sequence[float] | None) -> Span | None:
    return None if ends is None else Span(*ends)


def _gross_range(case: Case) -> str:
    limits = gross_range.Limits(_span(case.config["fail_span"]), _span(case.config.get("suspect_span")))
    return _flags(made(limits), case.times, case.values, infinite=True)


def _valid_range(case: Case) -> str:
    """A limit that is not part of the range is the next number inside."""
    low, high = case.config["valid_span"]
    low = low if case.config.get("start_inclusive", True) else nextafter(low, inf)
    high = high if case.config.get("end_inclusive", False) else nextafter(high, -inf)
    return _flags(made(gross_range.Limits(Span(low, high))), case.times, case.values)


def _spike(case: Case) -> str:
    config = case.config
    limits = previous_spike.Limits(config["suspect_threshold"], config["fail_threshold"], config["method"], 1.5)
    flags = _flags(made(limits), count(), case.values)
    # What a reading says is of the one before it; after a missing one, and for the last, nobody says anything.
    later = ["2" if flag == "9" else flag for flag in [*flags[1:], "2"]]
    return "".join("9" if own == "9" else said for own, said in zip(flags, later, strict=False))


def _rate_of_change(case: Case) -> str:
    fail = case.config["fail_threshold"]
    limits = rate_of_change.Limits(60 * case.config["threshold"], inf, None if fail is None else 60 * fail, 0.0)
    return _flags(made(limits), case.times, case.values)


def _flat_line(case: Case) -> str:
    interval_s = case.interval_s or 300.0  # that of all series, where one is too short to tell
    suspect, fail = (case.config[name] // interval_s for name in ("suspect_threshold", "fail_threshold"))
    repeats = max(1, int(suspect)), max(1, int(fail))
    return _flags(made(flat_line.Limits(suspect, fail, case.config["tolerance"], *repeats)), count(), case.values)


def _attenuated_signal(case: Case) -> str:
    """`min_period` is a number of readings, too: so many as its seconds have at the usual interval."""
    config, times = case.config, case.times
    interval_s = median(later - sooner for sooner, later in pairwise(times)) if len(times) > 1 else inf
    least = max(config.get("min_obs", 1), int(config.get("min_period", 0) / interval_s))
    limits = attenuated_signal.Limits(
        config["suspect_threshold"],
        config["fail_threshold"],
        {"std": "deviation", "range": "range"}[config["check_type"]],  # type: ignore[arg-type]
        config["test_period"],
        0.0,
        least,
    )
    return _flags(made(limits), case.times, case.values)


def _climatology(case: Case) -> str:
    limits = climatology.Limits(tuple(_season(**member) for member in case.config["config"]))
    return _flags(made(limits), case.times, case.values)


def _season(
    vspan: Sequence[float], tspan: Sequence[Any], fspan: Sequence[float] | None = None, period: str | None = None
) -> climatology.Season:
    usual, first, last = Span(*vspan), tspan[0], tspan[1]
    if period is None:
        between = (datetime.fromisoformat(f"{first}+00:00"), datetime.fromisoformat(f"{last}+00:00"))
        return climatology.Season(usual, _span(fspan), between=between)
    key = {"month": "months", "hour": "hours", "week": "weeks", "dayofyear": "days"}[period]
    return climatology.Season(usual, _span(fspan), **{key: (first, last)})


def _time_gap(case: Case) -> str:
    """Of the time alone, in hours; a step back, and a second reading at one time, are late."""
    check, flags, last_s = made(timing.Limits(fail_after_s=3600 * case.config["fail_span"])), "", -inf
    for at_s in case.times:
        late = at_s <= last_s
        flags += str((check.judge_late if late else check.judge)(Point(at_s, 0.0)).flag.value)
        if not late:
            check.learn(at_s, 0.0, 1.0)
            last_s = at_s
    return flags


_OURS: dict[str, Callable[[Case], str]] = {
    "gross_range_test": _gross_range,
    "valid_range_test": _valid_range,
    "spike_test": _spike,
    "rate_of_change_test": _rate_of_change,
    "flat_line_test": _flat_line,
    "attenuated_signal_test": _attenuated_signal,
    "climatology_test": _climatology,
    "time_gap_test": _time_gap,
}


def _expanded(flags: str | None) -> str | None:
    if flags is None:
        return None
    return "".join(flag * int(times or 1) for flag, _, times in (run.partition("*") for run in flags.split()))


CASES = [
    Case(
        case["test"], case["series"], case["config"], _expanded(case["flags"]), frozenset(case.get("quirks", ())),
        case.get("interval_s", 0.0),
    )
    for case in _VECTORS["cases"]
]  # fmt: skip
