"""The parts that can be looked at alone."""

import threading
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any

import httpx
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from cloud_sync.backend.database.migrate import migrate
from cloud_sync.backend.ingest.backoff import Backoff
from cloud_sync.backend.ingest.batch import Batch
from cloud_sync.backend.ingest.late import add_up, remember
from cloud_sync.backend.ingest.listener import Listener, ListenerError
from cloud_sync.backend.ingest.offsets import Offsets
from cloud_sync.backend.ingest.records import Message, Moved, Record
from cloud_sync.backend.ingest.worker import Worker
from tests.services.postgres import Postgres


def batch(first: int, last: int, before: int | None = None) -> Batch:
    found = [Record(Message(0, offset, None, b"v", None), {"time": f"{offset}"}) for offset in range(first, last + 1)]
    return Batch.of("t", found, {0: first if before is None else before})


def test_the_second_of_two_owners_waits_for_the_first_and_finds_the_partition_moved(postgres: Postgres) -> None:
    offsets = Offsets("g")
    with postgres.fresh() as dsn, psycopg.connect(dsn, autocommit=True) as one, psycopg.connect(dsn) as other:
        migrate(one)
        assert offsets.positions(one, [("t", 0), ("u", 1)]) == {("t", 0): 0, ("u", 1): 0}
        came: Future[Any] = Future()

        def second() -> None:
            try:
                offsets.advance(other, batch(0, 3))
                came.set_result(None)
            except Moved as moved:
                other.rollback()
                came.set_exception(moved)

        with one.transaction():
            offsets.advance(one, batch(0, 9))
            waiting = threading.Thread(target=second)
            waiting.start()
            with pytest.raises(TimeoutError):
                came.result(0.3)
        waiting.join(10)
        with pytest.raises(Moved, match=r"t: another instance has moved partitions \[0\]"):
            came.result(10)
        assert offsets.positions(one, [("t", 0)]) == {("t", 0): 10}
        assert Offsets("h").positions(one, [("t", 0)]) == {("t", 0): 0}


def test_offsets_that_somebody_deleted_are_moved_offsets(postgres: Postgres) -> None:
    with postgres.fresh() as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        migrate(connection)
        with pytest.raises(Moved):
            Offsets("g").advance(connection, batch(0, 3))


def test_a_day_that_gets_more_while_it_is_added_up_stays_late(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    at, now = "2026-01-05T12:00:00.000000Z", datetime(2026, 11, 23, tzinfo=UTC)
    with postgres.fresh() as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        migrate(connection)
        remember(connection, [at, "2026-01-06T00:00:00.000000Z", "2026-11-22T12:00:00.000000Z"], now.replace(month=10))
        seen: list[Any] = []

        def meanwhile(_: Any, windows: Any, __: Any) -> None:
            seen.extend(windows)
            remember(connection, [at], now)

        monkeypatch.setattr("cloud_sync.backend.ingest.late.refresh", meanwhile)
        assert add_up(connection, now) == 2
        assert [begin.day for begin, _ in seen] == [5, 6]
        assert connection.execute("SELECT day::text FROM aqua.late_days").fetchall() == [("2026-01-05",)]
        with psycopg.connect(dsn, autocommit=True) as other:
            other.execute("SELECT pg_advisory_lock(%s)", [0x61717562])
            assert add_up(connection, now) == 0


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=60))
def test_pauses_are_drawn_below_a_bound_that_doubles_up_to_the_cap(dice: list[float]) -> None:
    now_s, bounds = 0.0, []

    def uniform(low: float, high: float) -> float:
        bounds.append((low, high))
        return low + dice[len(bounds) - 1] * (high - low)

    backoff = Backoff(lambda: now_s, uniform)
    for number, die in enumerate(dice):
        assert backoff.ready
        backoff.failed("away")
        low, high = bounds[-1]
        assert (low, high) == (0.0, min(30.0, 0.5 * 2**number))
        pause_s = max(0.05, die * high)
        now_s += pause_s * 0.99
        assert not backoff.ready
        now_s += pause_s * 0.02
    assert backoff.trouble == "away"
    backoff.succeeded()
    assert backoff.ready


def test_a_worker_does_one_thing_at_a_time_and_says_what_came_of_it() -> None:
    worker, go, came = Worker("test"), threading.Event(), []
    worker.begin(lambda: go.wait(10), lambda future: came.append(future.result()))
    assert not worker.collect()
    with pytest.raises(RuntimeError):
        worker.begin(lambda: None, lambda _: None)
    go.set()
    assert worker.collect(10)
    assert came == [True]
    worker.begin(lambda: 1 // 0, lambda future: came.append(type(future.exception())))
    assert worker.collect(10)
    assert came == [True, ZeroDivisionError]
    assert worker.collect()


def test_the_listener_answers_whoever_asks_on_this_machine_alone() -> None:
    yes = True
    listener = Listener(0, CollectorRegistry(), lambda: yes, lambda: True)
    try:
        for path, status in (("/ready", 200), ("/live", 200), ("/metrics", 200), ("/secrets", 404)):
            assert asked(listener.port, path) == status
        yes = False
        assert asked(listener.port, "/ready") == 503
        with pytest.raises(ListenerError, match=f"port {listener.port} of 127.0.0.1 cannot be listened on"):
            Listener(listener.port, CollectorRegistry(), lambda: True, lambda: True)
    finally:
        listener.close()


def asked(port: int, path: str) -> int:
    return httpx.get(f"http://127.0.0.1:{port}{path}", trust_env=False).status_code
