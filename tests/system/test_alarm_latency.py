"""Nothing upstream can delay an alarm: the short form of `make bench-alarms`."""

from pathlib import Path

from tests.bench.alarm_latency import PERIOD_S, latencies


async def test_an_alarm_waits_for_no_cloud_no_name_no_disk_and_no_clock(tmp_path: Path) -> None:
    """What hangs here hangs for ten seconds and more; a busy machine is slow by less."""
    took_s = await latencies(tmp_path, alarms=40, wrong=True, warm_up_s=8.0, sondes=10, turn_s=1.0)
    assert len(took_s) == 40
    assert max(took_s) < PERIOD_S + 3
