"""The same readings give the same maintenance score at the gateway and in the cloud."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest
from psycopg import Connection

from agent.checks import CHECKS
from agent.domain.clock import Instant
from agent.domain.farm import Sensor
from agent.domain.quantity import Quantity
from agent.domain.reading import CheckedReading, Flag, Reading, StoredReading
from agent.store.store import Store, StoreSettings
from agent.tank_report import TankReports
from cloud_sync.contract.records import reading_record
from tests.agent.farm import OXYGEN, TANK, WARMTH
from tests.backend.database.rows import answer, write
from tests.clock import FakeClock

PH = Sensor(UUID(int=13), TANK, "ph-1", "ph", Quantity.PH, None)
SILENT = Sensor(UUID(int=14), TANK, "ph-2", "ph", Quantity.PH, None)
AT_US = 1_795_437_420_000_000  # 2026-11-23T12:37:00Z, in the middle of an hour and of five minutes
Z_SCORE = list(CHECKS).index("z_score")


def readings(clock: FakeClock) -> Iterator[CheckedReading]:
    """Of four and a half days: oxygen that loses quality and sometimes jumps, pH that began later and has a hole, a
    thermometer that comes every 100 s, and a probe that never said a word.
    """
    chance = Random(7)
    for ago_s in range(389_000, 0, -100):
        at = Instant(clock.utc_us - ago_s * 1_000_000, clock.boot - ago_s, clock.boot_id, True)
        yield _checked(Reading(WARMTH, at, 15.0), 1.0)
        if ago_s % 300 == 200:
            odd = chance.random() < 0.05
            yield _checked(Reading(OXYGEN, at, 8.0 + odd), 0.6 + 0.4 * ago_s / 389_000, odd)
        if ago_s % 300 == 100 and ago_s < 250_000 and not 60_000 < ago_s < 90_000:
            yield _checked(Reading(PH, at, None if chance.random() < 0.2 else 7.5), 1.0)
        if ago_s % 3000 == 0:
            yield _checked(Reading(SILENT, at, None), 0.0)


def _checked(reading: Reading, quality: float, odd: bool = False) -> CheckedReading:
    if reading.value is None:
        missing = reading._replace(because="no reply")
        return CheckedReading(missing, Flag.MISSING, 0.0, "9" * len(CHECKS), "no reply")
    tests = "".join("3" if odd and place == Z_SCORE else "1" for place in range(len(CHECKS)))
    return CheckedReading(reading, Flag.GOOD, quality, tests, None)


async def test_gateway_and_cloud_agree(tmp_path: Path, database: Connection[Any]) -> None:
    clock = FakeClock(AT_US, boot_s=1_000_000.0)
    store = Store(StoreSettings(tmp_path / "ring.sqlite", 16, keep_in_memory=20_000), [], clock)
    every = list(readings(clock))
    store.put(every, [])
    await store.commit()
    told: dict[str, Any] = {}
    periods_s = {WARMTH: 100.0, OXYGEN: 300.0, PH: 300.0, SILENT: 3000.0}
    await TankReports(tmp_path / "ring.sqlite", periods_s, lambda tank: 0, told.__setitem__, clock).report()
    await store.close()

    write(database, [reading_record(StoredReading(n, one, "e"), "gw") for n, one in enumerate(every, 1)])
    slow = "UPDATE sensor_data.sensors SET expected_interval = '3000 seconds' WHERE id = %s"
    database.execute(slow, [SILENT.sensor_id])
    at = datetime.fromtimestamp(AT_US / 1e6, UTC)
    cloud = answer(database, "SELECT analytics.calculate_maintenance_score(%s, 7, %s)", TANK.tank_id, at)

    gateway = told["tank-1"]["maintenance"]
    assert gateway["degradation"] > 0.1 and gateway["missing"] > 5 and gateway["anomalies"] > 10, "all of it is tried"
    for here, there in (
        ("score", "maintenance_score"),
        ("degradation", "sensor_degradation"),
        ("missing", "reading_frequency_issues"),
        ("anomalies", "anomaly_frequency"),
        ("recommendation", "recommendation"),
    ):
        assert cloud[there] == (pytest.approx(gateway[here]) if here != "recommendation" else gateway[here]), there
