"""What is said of probes over days of simulated time."""

from dataclasses import replace
from pathlib import Path

import pytest

from agent.domain.farm import Sensor
from agent.probe_health.log import Calibrated, ProbeLog
from agent.probe_health.memory import ProbeMemory
from agent.probe_health.report import ProbeReports
from agent.scores.hours import History
from agent.scores.probe_limits import Limits
from simulators.faults import Fault
from simulators.schedule import Window
from tests.agent.farm import PROBE, at
from tests.agent.probe_farm import ACIDITY, BROKEN_FROM, HOUR, OXYGEN, Farm

# In hours; the probes are handled once a day, at ten.
TOLD_WITHIN = {
    "ph-slow": (11, "ph-slow: clean the junction, response 3.7× slower than after calibration"),
    "do-slow": (11, "do-slow: clean the cap, response 4.0× slower than in its first days here"),
    "ph-noisy": (24, "ph-noisy: look for bubbles, a loose plug or a bad earth: ph 3."),
    "do-stuck": (6, "do-stuck: clean it, and replace it if that does not help: its dissolved_oxygen stood still for 1"),
    "do-silent": (9, "do-silent: check its power, cable and address: 1"),
    "ph-drift": (18, "ph-drift: check it and its pair in a standard: their ph drifts apart"),
}


async def test_what_goes_wrong_is_told_in_time_across_restarts_and_of_sound_probes_nothing(tmp_path: Path) -> None:
    farm, broken = Farm(tmp_path), Window(BROKEN_FROM)
    sound = ("do-1", "do-2", "ph-1", "ph-2")
    for name in sound:
        farm.add(name, OXYGEN if name.startswith("do") else ACIDITY)
    farm.add("ph-slow", ACIDITY, replace(ACIDITY, tau_s=24.0))
    farm.add("do-slow", OXYGEN, replace(OXYGEN, tau_s=34.0))
    farm.add("ph-noisy", ACIDITY, replace(ACIDITY, noise=0.06))
    farm.add("do-stuck", OXYGEN, fault=Fault("stuck", broken))
    farm.add("do-silent", OXYGEN, fault=Fault("silence", broken))
    farm.add("ph-drift", ACIDITY, tank="pair", fault=Fault("drift", broken, 0.1 / 1440))
    farm.add("ph-true", ACIDITY, tank="pair")

    await farm.runs(0.3)
    assert farm.newest["do-1"]["state"] == "unknown", "a third of a day is not enough"
    assert farm.evidence("do-1", "response")["state"] == farm.evidence("do-1", "noise")["state"] == "unknown"
    calibrated = Calibrated(farm.clock_iso(), "ph-slow/ph-slow", False, "Ana")
    ProbeLog(tmp_path / "probe-log.jsonl").add(calibrated)
    await farm.runs(3.2)
    await farm.runs(1.3)

    for name, (hours, sentence) in TOLD_WITHIN.items():
        after_s, told = farm.first_act(name)
        assert 0 < after_s <= hours * HOUR, name
        assert told.startswith(sentence)
    assert not [told for told in farm.told if told[1] in sound and told[2] == "act"]
    for name in sound:
        assert farm.newest[name]["state"] == "good"
        assert farm.evidence(name, "response")["state"] == farm.evidence(name, "noise")["state"] == "good"
    assert farm.evidence("ph-slow", "calibration_age")["value"] > 4


async def test_a_bug_in_the_reports_ends_nothing_else(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def broken(sensor: Sensor) -> Limits:
        raise ZeroDivisionError

    reports = ProbeReports(
        tmp_path / "ring-buffer.sqlite", [PROBE], broken, {}, dict, lambda *told: pytest.fail(f"told {told}"),
        ProbeLog(tmp_path / "probe-log.jsonl"), ProbeMemory(tmp_path / "probe-health.json"),
    )  # fmt: skip
    await reports.report(at(0), {sensor.sensor_id: History(5.0) for sensor in PROBE.sensors})
    assert reports.newest == {}
    assert "A bug in the reports on probes" in caplog.text
