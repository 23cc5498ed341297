"""How often a sound probe is told to need something, how soon one that is not sound, and what that costs a reading.

    python -m tests.bench.probe_health

Simulated probes (`tests.agent.probe_farm`: real checks, ring buffer and reports) that are handled once a day: sound
ones for twenty days, of different speed and noise; and others that begin to fail on the fourth. Three minutes.
"""

import asyncio
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from agent.store.inspection.reader import Reader
from agent.store.inspection.spans import spans
from simulators.faults import Fault
from simulators.schedule import Window
from tests.agent.probe_farm import ACIDITY, BROKEN_FROM, DAY, HOUR, OXYGEN, Farm

_SOUND_DAYS = 20.0
_FAILING_DAYS = 6.0
_BROKEN = Window(BROKEN_FROM)


async def sound(folder: Path) -> None:
    farm = Farm(folder)
    for sense in (OXYGEN, ACIDITY):
        for speed in (0.5, 1.0, 2.0):
            for noise in (0.3, 3.0):
                name = f"{sense.field[:2]}-{speed:g}-{noise:g}"
                farm.add(name, replace(sense, tau_s=sense.tau_s * speed, noise=sense.noise * noise))
    await farm.runs(_SOUND_DAYS)
    acts = {(name, advice) for _, name, state, advice in farm.told if state == "act"}
    days = len(farm.probes) * _SOUND_DAYS
    print(f"{days:.0f} probe-days of sound probes: {len(acts)} told to need something {acts or ''}")
    with closing(Reader(folder / "ring-buffer.sqlite")) as reader:
        held, begin_s = reader.counts()["held"], time.thread_time()
        for _ in spans(reader, 0):
            pass
    print(
        f"{(time.thread_time() - begin_s) / held * 1e6:.2f} µs a reading, for the scores of tanks and probes together"
    )


async def failing(folder: Path) -> None:
    farm = Farm(folder)
    for times in (2.0, 2.5, 4.0, 6.0):
        farm.add(f"pH, {times:g}× slower", ACIDITY, replace(ACIDITY, tau_s=ACIDITY.tau_s * times))
        farm.add(f"oxygen, {times:g}× slower", OXYGEN, replace(OXYGEN, tau_s=OXYGEN.tau_s * times))
    for noise in (2.0, 6.0, 15.0):
        farm.add(f"pH, {noise:g}× noisier", ACIDITY, replace(ACIDITY, noise=ACIDITY.noise * noise))
    farm.add("oxygen, stuck", OXYGEN, fault=Fault("stuck", _BROKEN))
    farm.add("oxygen, 40% silent", OXYGEN, fault=Fault("silence", _BROKEN))
    farm.add("pH, drifts 0.1 a day from its pair", ACIDITY, tank="pair", fault=Fault("drift", _BROKEN, 0.1 / 1440))
    farm.add("pair", ACIDITY, tank="pair")
    await farm.runs(_FAILING_DAYS)
    for probe in farm.probes:
        first = [t_s for t_s, name, state, _ in farm.told if name == probe.name and state == "act"]
        told = f"told after {(first[0] - BROKEN_FROM) / HOUR:.0f} h" if first else "not told"
        print(f"{probe.name:40} {told:20} {farm.newest[probe.name]['advice'] or ''}")


if __name__ == "__main__":
    print(f"Handled at ten each day; failing from midnight, {BROKEN_FROM / DAY:.0f} days after the start")
    for run in (sound, failing):
        with TemporaryDirectory() as place:
            asyncio.run(run(Path(place)))
