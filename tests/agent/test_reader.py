"""Looking into the ring buffer from outside: with our reader, and with the tools people have."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database

from agent.checks import CHECKS
from agent.domain.errors import StoreError
from agent.domain.reading import Flag
from agent.store.inspection.extract import extract
from agent.store.inspection.reader import Reader
from agent.store.store import Store
from cloud_sync.uplink.interfaces import Rejection
from tests.agent.conftest import Opened
from tests.agent.farm import NOON_US, OXYGEN, WARMTH, alarm, at, change, checked, filled, settle, several


@pytest.fixture
async def store(opened: Opened) -> AsyncIterator[Store]:
    """Two sensors, read at noon, one millisecond later and one second later; open while it is read."""
    store = opened()
    store.put(
        [
            checked(0, 7.25),
            checked(0, 15.5, Flag.SUSPECT, WARMTH, at(0.001), "spike: jumped"),
            checked(1, None),
        ],
        [change(NOON_US), change(NOON_US + 1, False), change(NOON_US + 2, which=alarm(limit=4.0))],
    )
    await store.commit()
    yield store


def damaged(seq: int) -> None:
    raise AssertionError(f"row {seq} is said to be damaged")


def reader(folder: Path) -> "closing[Reader]":
    return closing(Reader(folder / "ring-buffer.sqlite"))


async def test_the_view_of_readings_speaks_for_itself(store: Store, tmp_path: Path) -> None:
    with closing(Database(tmp_path / "ring-buffer.sqlite")) as database:
        rows = list(database["reading"].rows)
    assert [row["time_utc"] for row in rows] == [
        "2026-11-23T12:00:00.000000Z",
        "2026-11-23T12:00:00.001000Z",
        "2026-11-23T12:00:01.000000Z",
    ]
    assert rows[1] == {
        "seq": 2, "time_utc": "2026-11-23T12:00:00.001000Z", "tank": "tank-1", "probe": "do-1", "sensor": "temperature",
        "sensor_type": "Temperature", "value": 15.5, "unit": "°C", "flag": 3, "flag_meaning": "suspect",
        "quality": 0.75,
        "because": "spike: jumped", "tests": "1" * len(CHECKS), "clock_trusted": 1, "sensor_id": str(WARMTH.sensor_id),
        "tank_id": str(WARMTH.tank.tank_id),
    }  # fmt: skip
    assert (rows[2]["value"], rows[2]["flag_meaning"], rows[2]["because"]) == (None, "missing", "no reply in 0.5 s")


async def test_sqlite_utils_can_read_it_while_it_is_written(store: Store, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sqlite_utils", "rows", str(tmp_path / "ring-buffer.sqlite"), "alarm"]
    alarms = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert [(row["change"], row["kind"], row["limit"]) for row in alarms] == [
        ("raised", "low", 6.0),
        ("cleared", "low", 6.0),
        ("raised", "low", 4.0),
    ]


@pytest.mark.parametrize(
    ("begin", "end", "expected"),
    [
        (0, 2**62, [1, 2, 3]),
        (0, 1, [1]),
        (1, 1000, []),
        (1000, 1001, [2]),
        (1000, 1_000_001, [2, 3]),
        (1001, 1_000_000, []),
        (1_000_001, 9**9, []),
    ],
)
async def test_a_time_range_has_its_begin_and_not_its_end(
    store: Store, tmp_path: Path, begin: int, end: int, expected: list[int]
) -> None:
    with reader(tmp_path) as look:
        found = extract(look, "readings", NOON_US + begin, NOON_US + end, damaged)
        assert [row["seq"] for row in found] == expected


async def test_a_long_range_comes_whole_and_in_order(opened: Opened, tmp_path: Path) -> None:
    store = opened(keep_in_memory=20_000)
    store.put(several(1, 12_000), [])
    await store.commit()
    with reader(tmp_path) as look:
        assert [row["seq"] for row in extract(look, "readings", 0, 2**62, damaged)] == list(range(1, 12_001))
        assert look.counts() == {"held": 12_000, "oldest": "2026-11-23T12:00:01.000000Z"}


async def test_the_newest_of_each_sensor_and_what_stands(store: Store, tmp_path: Path) -> None:
    with reader(tmp_path) as look:
        assert [(row["sensor"], row["seq"]) for row in look.latest()] == [("oxygen", 3), ("temperature", 2)]
        assert [row["seq"] for row in look.active_alarms()] == [NOON_US + 2]
        assert [row["seq"] for row in look.alarm_changes(2)] == [NOON_US + 2, NOON_US + 1]
    assert OXYGEN.channel == "oxygen"


async def test_deliveries_tell_what_each_sink_has(store: Store, tmp_path: Path) -> None:
    await settle(store, "http", 2, [Rejection(1, "unknown sensor")])
    await store.commit()
    with reader(tmp_path) as look:
        assert look.deliveries() == [
            {"sink": "archive", "delivered": 0, "rejected": 0, "backlog": 3, "lost": 0},
            {"sink": "http", "delivered": 1, "rejected": 1, "backlog": 1, "lost": 0},
        ]


async def test_a_sink_that_begins_late_waits_only_for_what_is_held(store: Store, tmp_path: Path) -> None:
    with closing(Database(tmp_path / "ring-buffer.sqlite")) as database:
        database.execute("DELETE FROM readings WHERE seq = 1")
        database.conn.commit()
    with reader(tmp_path) as look:
        assert [row["backlog"] for row in look.deliveries()] == [2, 2]


def test_a_store_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="does not exist yet: has the gateway ever run"):
        Reader(tmp_path / "ring-buffer.sqlite")


def test_a_store_that_is_rubbish_is_named(tmp_path: Path) -> None:
    (tmp_path / "ring-buffer.sqlite").write_text("rubbish" * 1000)
    with pytest.raises(StoreError, match=r"ring-buffer.sqlite: file is not a database"):
        Reader(tmp_path / "ring-buffer.sqlite")


async def test_what_each_check_said_has_a_column_of_its_own(opened: Opened, tmp_path: Path) -> None:
    tests = "13" + "1" * (len(CHECKS) - 3) + "2"
    store = opened()
    store.put([checked(0, 7.25)._replace(tests=tests), checked(1, 7.25)._replace(tests="141")], [])
    await store.commit()
    with closing(Database(tmp_path / "ring-buffer.sqlite")) as database:
        newer, older = database["reading_tests"].rows
    assert [newer[name] for name in CHECKS] == [int(digit) for digit in tests]
    assert [older[name] for name in CHECKS] == [1, 4, 1, *[None] * (len(CHECKS) - 3)]
    assert (newer["tank"], newer["value"]) == ("tank-1", 7.25)


async def test_a_new_check_is_a_new_column_in_a_file_that_is_there(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(opened())
    monkeypatch.setitem(CHECKS, "moonshine", CHECKS["spike"])
    await filled(opened(), 51)
    with closing(Database(tmp_path / "ring-buffer.sqlite")) as database:
        assert [row["moonshine"] for row in database["reading_tests"].rows] == [None] * 50 + [1] * 50
