"""The pieces of evidence on a probe, each judged by its limit, or unknown with the reason: never good for want of data.

Their names follow OPC UA's PA-DIM where it has one (slope, asymmetry potential, t90).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from agent.domain.quantity import Quantity
from agent.scores.probe_limits import (
    CLEAN_SLOPE,
    GREATEST_OFFSET_MV,
    GREATEST_SLOPE,
    LEAST_NOISE,
    LEAST_SLOPE,
    SERVICE_SLOPE,
    Limits,
)

GOOD, ACT, UNKNOWN = "good", "act", "unknown"

_HOURS_FOR_GOOD, _HOURS_FOR_BAD = 17, 2  # of a day: 70 %, as for the scores of tanks
_UNTOLD = "this model does not tell, or has not yet"
_SLOPE_ACTS = (
    (LEAST_SLOPE, "replace the electrode"),
    (SERVICE_SLOPE, "service the electrode"),
    (CLEAN_SLOPE, "clean the electrode and calibrate it"),
)


class Evidence(NamedTuple):
    """One piece: of the sensor `channel`, or of the whole probe (None). `value` in `unit`, None while unknown; `limit`
    is where good ends. `because` says why it is unknown, or what to do.
    """

    what: str
    channel: str | None
    value: float | None
    unit: str
    limit: float | None
    state: str
    because: str | None


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of one sensor of a probe; None is unknown.

    `hours` of the newest day have `readings`, of which so many were `valued` and `stuck`. `noise` and `response_s` of
    now, and `…_then` after calibration. `pair_flag` is the newest flag of the check `pair_drift`, None for a sensor
    without a pair.
    """

    channel: str
    quantity: Quantity
    limits: Limits
    hours: int = 0
    readings: int = 0
    valued: int = 0
    stuck: int = 0
    noise: float | None = None
    noise_then: float | None = None
    response_s: float | None = None
    response_then_s: float | None = None
    pair_flag: int | None = None
    missing_because: str | None = None


@dataclass(frozen=True, slots=True)
class Upkeep:
    """Days since a probe was calibrated, and since it got its cap; None where nobody logged it."""

    calibrated_days: float | None = None
    cap_days: float | None = None

    @property
    def then(self) -> str:
        return "in its first days here" if self.calibrated_days is None else "after calibration"


def evidence(sensors: Sequence[Seen], upkeep: Upkeep, condition: Mapping[str, Any]) -> Iterator[Evidence]:
    for seen in sensors:
        yield _gaps(seen)
        yield _stuck(seen)
        yield _noise(seen, upkeep)
        yield _response(seen, upkeep)
        if seen.pair_flag is not None:
            yield _pair_drift(seen)
    quantities = {seen.quantity: seen for seen in sensors}
    if (ph := quantities.get(Quantity.PH)) is not None:
        yield _slope(ph, condition)
        yield _offset(ph, condition)
    oxygen = quantities.get(Quantity.DISSOLVED_OXYGEN) or quantities.get(Quantity.DISSOLVED_OXYGEN_SATURATION)
    if oxygen is not None:
        yield _age("cap_age", upkeep.cap_days, oxygen.limits.cap_age_days, "replace the cap: it is {:.0f} days old")
    if sensors:
        limit = min(seen.limits.calibration_age_days for seen in sensors)
        yield _age("calibration_age", upkeep.calibrated_days, limit, "calibrate it: last done {:.0f} days ago")


def _gaps(seen: Seen) -> Evidence:
    limit = seen.limits.gap_share
    if not seen.readings:
        return Evidence("gaps", seen.channel, None, "share", limit, UNKNOWN, "it was not asked for a day")
    share = 1 - seen.valued / seen.readings
    if _is_early(seen, share, limit):
        return Evidence("gaps", seen.channel, None, "share", limit, UNKNOWN, _early(seen))
    last = f"; last: {seen.missing_because}" if seen.missing_because else ""
    because = f"check its power, cable and address: {share:.0%} of a day's {seen.channel} are missing{last}"
    return _judged("gaps", seen.channel, share, "share", limit, because)


def _stuck(seen: Seen) -> Evidence:
    limit = seen.limits.stuck_share
    if not seen.valued:
        return Evidence("stuck", seen.channel, None, "share", limit, UNKNOWN, "it gave no value for a day")
    share = seen.stuck / seen.valued
    if _is_early(seen, share, limit):
        return Evidence("stuck", seen.channel, None, "share", limit, UNKNOWN, _early(seen))
    because = f"clean it, and replace it if that does not help: its {seen.channel} stood still for {share:.0%} of a day"
    return _judged("stuck", seen.channel, share, "share", limit, because)


def _is_early(seen: Seen, share: float, limit: float) -> bool:
    """Too little of the day is known to call it good; what is bad is told after an hour or two."""
    return seen.hours < (_HOURS_FOR_BAD if share > limit else _HOURS_FOR_GOOD)


def _early(seen: Seen) -> str:
    return f"known for {seen.hours} of the last 24 hours"


def _noise(seen: Seen, upkeep: Upkeep) -> Evidence:
    limit = seen.limits.noise_times
    if seen.noise is None or seen.noise_then is None:
        because = "read too seldom, or not for a day" if seen.noise is None else "its first day is not over"
        return Evidence("noise", seen.channel, None, "times", limit, UNKNOWN, because)
    times = seen.noise / max(seen.noise_then, LEAST_NOISE.get(seen.quantity, 0.01))
    because = f"look for bubbles, a loose plug or a bad earth: {seen.channel} {times:.1f}× noisier than {upkeep.then}"
    return _judged("noise", seen.channel, times, "times", limit, because)


def _response(seen: Seen, upkeep: Upkeep) -> Evidence:
    """In seconds. The limit is the lesser of what any such probe should do, and of what this one did."""
    limits, then_s = seen.limits, seen.response_then_s
    limit = limits.response_s if then_s is None else min(limits.response_s, limits.response_times * then_s)
    if seen.response_s is None:
        return Evidence("response", seen.channel, None, "s", limit, UNKNOWN, "no steps to judge by, or too few")
    part = {Quantity.PH: "the junction", Quantity.DISSOLVED_OXYGEN: "the cap"}.get(seen.quantity, "it")
    if then_s is not None and seen.response_s > limits.response_times * then_s:
        because = f"clean {part}, response {seen.response_s / then_s:.1f}× slower than {upkeep.then}"
    else:
        because = f"clean {part}, it takes {seen.response_s:.0f} s to follow"
    return _judged("response", seen.channel, seen.response_s, "s", limit, because)


def _pair_drift(seen: Seen) -> Evidence:
    if seen.pair_flag not in (1, 3, 4):
        because = "the pair is still learnt, or one of the two is missing"
        return Evidence("pair_drift", seen.channel, None, "flag", 1.0, UNKNOWN, because)
    because = f"check it and its pair in a standard: their {seen.channel} drifts apart"
    return _judged("pair_drift", seen.channel, float(seen.pair_flag), "flag", 1.0, because)


def _slope(seen: Seen, condition: Mapping[str, Any]) -> Evidence:
    """The worse of the acid and the base side."""
    sides = [condition.get(f"{side}_slope_percent") for side in ("acid", "base")]
    known = [float(side) for side in sides if isinstance(side, int | float)]
    if not known:
        return Evidence("slope", seen.channel, None, "% of Nernst", CLEAN_SLOPE, UNKNOWN, _UNTOLD)
    worst = max(known, key=lambda side: abs(side - 100))
    limit = GREATEST_SLOPE if worst > GREATEST_SLOPE else CLEAN_SLOPE
    act = next((act for least, act in _SLOPE_ACTS if worst < least), None)
    if worst > GREATEST_SLOPE:
        act = "calibrate the electrode with fresh buffers"
    because = f"{act}: slope {worst:.0f} % of Nernst" if act else None
    return Evidence("slope", seen.channel, worst, "% of Nernst", limit, ACT if act else GOOD, because)


def _offset(seen: Seen, condition: Mapping[str, Any]) -> Evidence:
    offset = condition.get("zero_offset_mv")
    if not isinstance(offset, int | float):
        return Evidence("offset", seen.channel, None, "mV", GREATEST_OFFSET_MV, UNKNOWN, _UNTOLD)
    because = f"clean the junction and calibrate: zero off by {offset:+.0f} mV"
    judged = _judged("offset", seen.channel, abs(offset), "mV", GREATEST_OFFSET_MV, because)
    return judged._replace(value=float(offset))


def _age(what: str, days: float | None, limit: float, act: str) -> Evidence:
    if days is None:
        return Evidence(what, None, None, "days", limit, UNKNOWN, "nobody logged it: aqua-gateway probe calibrated")
    return _judged(what, None, days, "days", limit, act.format(days))


def _judged(what: str, channel: str | None, value: float, unit: str, limit: float, because: str) -> Evidence:
    acts = value > limit
    return Evidence(what, channel, value, unit, limit, ACT if acts else GOOD, because if acts else None)
