"""Readings that come after their hours were added up are in hours and days soon."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cloud_sync.backend.database.refresh import refresh
from cloud_sync.contract.record import Record
from cloud_sync.contract.records import record
from tests.backend.ingest.stage import Stage, until
from tests.cloud_sync.things import GATEWAY, reading
from tests.services.timescale import Timescale

# The time of day is fixed, so that a day's end is not near.
DAY = timedelta(days=1)
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
LONG_AGO = TODAY - 100 * DAY + timedelta(hours=12)


def readings(*values: float, at: datetime) -> list[Record]:
    """A minute apart."""
    times = [round((at + index * timedelta(minutes=1)).timestamp()) * 1_000_000 for index in range(len(values))]
    return [record(reading(n, time, value), GATEWAY) for n, (time, value) in enumerate(zip(times, values, strict=True))]


@pytest.fixture
def timescale_stage(timescale: Timescale, make_stage: Callable[..., Stage]) -> Iterator[Stage]:
    with timescale.fresh() as dsn:
        yield make_stage(dsn)


def means(stage: Stage) -> list[tuple[Any, ...]]:
    return stage.ask("SELECT avg_value, count_readings FROM analytics.hourly_sensor_stats ORDER BY time")


def test_late_readings_are_added_up_also_in_the_columnstore(timescale_stage: Stage) -> None:
    stage = timescale_stage
    process = stage.run()
    stage.send(readings(7.0, 7.0, at=LONG_AGO))
    stage.all_read()
    until(lambda: stage.count("aqua.late_days") == 0, "the day is added up")
    assert means(stage) == [(7.0, 2)]
    assert len(stage.ask("SELECT compress_chunk(c) FROM show_chunks('sensor_data.readings') c")) == 1

    stage.send([*readings(7.0, 7.0, at=LONG_AGO), *readings(10.0, at=LONG_AGO + timedelta(minutes=10))])
    stage.all_read()
    until(lambda: means(stage) == [(8.0, 3)], "the hour has the late reading")
    until(lambda: stage.count("aqua.late_days") == 0, "nothing is left to do")
    until(lambda: process.metric("aqua_ingest_late_days_total") >= 2, "it is counted")


def test_recent_readings_are_left_to_the_policies(timescale_stage: Stage) -> None:
    stage = timescale_stage
    recent = TODAY - 20 * DAY
    stage.run(**{"refresh-s": "3600"})
    stage.send([*readings(7.0, at=recent), *readings(7.0, at=LONG_AGO), *readings(7.0, at=LONG_AGO - DAY)])
    stage.all_read()
    days = stage.ask("SELECT day FROM aqua.late_days ORDER BY day")
    assert days == [((LONG_AGO - DAY).date(),), (LONG_AGO.date(),)]


def test_readings_that_were_there_make_no_day_late(timescale_stage: Stage) -> None:
    stage = timescale_stage
    stage.run(**{"refresh-s": "3600"})
    stage.send(readings(7.0, 8.0, at=LONG_AGO))
    stage.all_read()
    refresh(stage.database, [(LONG_AGO, LONG_AGO)], datetime.now(UTC))
    stage.database.execute("DELETE FROM aqua.late_days")
    stage.send(readings(7.0, 8.0, at=LONG_AGO))
    stage.all_read()
    assert stage.count("aqua.late_days") == 0


def test_without_timescale_nothing_is_late(stage: Stage) -> None:
    stage.run()
    stage.send(readings(7.0, at=LONG_AGO))
    stage.all_read()
    assert means(stage) == [(7.0, 1)]
    stage.send(readings(9.0, at=LONG_AGO + timedelta(minutes=5)))
    stage.all_read()
    assert means(stage) == [(8.0, 2)]
    assert stage.count("aqua.late_days") == 0
