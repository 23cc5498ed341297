"""The short form of the bench: what a reading leaves behind in memory and open files."""

from pathlib import Path

from tests.bench.leak import run


async def test_readings_leave_nothing_behind(tmp_path: Path) -> None:
    looks = await run(tmp_path, 400)
    half, end = looks[len(looks) // 2 - 1], looks[-1]
    assert (half.readings, end.readings) == (20_000, 40_000)
    assert end.delivered > 38_000
    assert end.files == half.files
    # What checks remember of these is 34 bytes a reading; a forgotten Reading would be hundreds.
    assert (end.mib - half.mib) * 2**20 < 120 * (end.readings - half.readings)
