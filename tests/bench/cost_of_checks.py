"""What the checks cost: µs of CPU a reading, each check by itself and all together, in one process.

    python -m tests.bench.cost_of_checks

The series is oxygen as a probe with a noise of 0.008 mg/L and a resolution of 0.01 tells it (Seeed's optical probe),
from a tank with two such probes, which also tell temperature and conductivity. The first half is to learn from; the
second is measured.
"""

import time
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any
from uuid import UUID

from agent.checks.defaults import limits_for
from agent.checks.sensor_checks import farm_checks
from agent.domain.farm import Probe, Sensor, Span, Tank
from agent.domain.quantity import Quantity
from agent.domain.reading import Reading
from tests.agent.farm import at

_READINGS = 40_000
_TANK = Tank("tank-1", UUID(int=1))
_TWINS = [
    Sensor(UUID(int=n), _TANK, f"do-{n}", "oxygen", Quantity.DISSOLVED_OXYGEN, Span(0, 20)) for n in (11, 12)
]  # fmt: skip
_BESIDE = {
    Sensor(UUID(int=13), _TANK, "do-11", "temperature", Quantity.TEMPERATURE, Span(-5, 50)): 15.0,
    Sensor(UUID(int=14), _TANK, "do-11", "conductivity", Quantity.CONDUCTIVITY, Span(0, 100)): 0.5,
}
_PERIODS_S = (1.0, 5.0, 60.0)


def main() -> None:
    limits = limits_for(Quantity.DISSOLVED_OXYGEN)
    print(f"\nµs CPU a reading, {_READINGS // 2:,} of them\n")
    print(f"| check | {' | '.join(f'every {period_s:g} s' for period_s in _PERIODS_S)} |")
    print(f"|---|{'---:|' * len(_PERIODS_S)}")
    series = {period_s: oxygen(period_s) for period_s in _PERIODS_S}
    none = {period_s: cost({}, series[period_s], period_s) for period_s in _PERIODS_S}
    print(f"| none: what comes of them is put together | {' | '.join(f'{us:.2f}' for us in none.values())} |")
    for name, one in limits.items():
        more = [cost({name: one}, series[period_s], period_s) - none[period_s] for period_s in _PERIODS_S]
        print(f"| {name} | {' | '.join(f'{us:.2f}' for us in more)} |", flush=True)
    together = [cost(limits, series[period_s], period_s) for period_s in _PERIODS_S]
    print(f"| **all together** | {' | '.join(f'**{us:.2f}**' for us in together)} |")


def oxygen(period_s: float) -> Sequence[Reading]:
    random = Random(1)
    values = (round(8 + random.gauss(0, 0.008), 2) for _ in range(_READINGS))
    return [Reading(_TWINS[0], at(n * period_s), value) for n, value in enumerate(values)]


def cost(limits: Mapping[str, Any], series: Sequence[Reading], period_s: float) -> float:
    """µs a reading; the other sensors are not polled, so that nothing but ours is counted."""
    ours, twin = _TWINS
    probes = [Probe(one.probe, _TANK, "rs485", "any", 1, period_s, (one,)) for one in (*_TWINS, *_BESIDE)]
    all_checks = farm_checks(probes, {ours: limits, twin: {}, **{sensor: {} for sensor in _BESIDE}})
    for sensor, value in _BESIDE.items():
        all_checks[sensor].check(Reading(sensor, series[-1].at, value))
    checks = all_checks[ours]
    half = len(series) // 2
    for reading in series[:half]:
        checks.check(reading)
    began = time.process_time()
    for reading in series[half:]:
        checks.check(reading)
    return (time.process_time() - began) / half * 1e6


if __name__ == "__main__":
    main()
