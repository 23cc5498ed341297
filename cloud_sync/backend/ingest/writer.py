"""The database's side: one transaction a batch, with the offsets first, then the rows, and what cannot be one."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

import psycopg
from psycopg import Connection

from agent.domain.secret import Secret
from cloud_sync.backend.database.connection import DatabaseError, connected
from cloud_sync.backend.database.migrate import state
from cloud_sync.backend.ingest import late
from cloud_sync.backend.ingest.batch import Batch
from cloud_sync.backend.ingest.copier import REFUSALS, Copier
from cloud_sync.backend.ingest.letters import DeadLetters
from cloud_sync.backend.ingest.offsets import Offsets
from cloud_sync.backend.ingest.outlet import Outlet
from cloud_sync.backend.ingest.records import DatabaseAway, Fault, NothingTaken, Partition, Record, utc_us
from cloud_sync.contract.anomalies import anomalies, record_of
from cloud_sync.contract.inserts import ALERT_EVENTS, CLEARED, RAISED, SENSORS, TANKS
from cloud_sync.contract.rows import Body, statements
from cloud_sync.contract.topics import SENSOR_ANOMALIES, SENSOR_READINGS

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a batch: `rows` of its records are in the database, `new` of them were not before."""

    rows: int
    new: int
    newest: str | None
    set_aside: Sequence[Record]
    took_s: float


class Writer:
    """One connection, made when it is needed. All calls block and raise DatabaseAway."""

    def __init__(
        self, dsn: Secret, offsets: Offsets, letters: DeadLetters, outlet: Outlet, utc: Callable[[], datetime]
    ) -> None:
        self._dsn = dsn
        self._offsets = offsets
        self._letters = letters
        self._outlet = outlet
        self._utc = utc
        self._open = ExitStack()
        self._connection: Connection[Any] | None = None
        self._late_after: timedelta | None = None
        self._copier = Copier()
        self._taken: dict[str, Body] = {}  # of each topic one that the database took

    def positions(self, partitions: Sequence[Partition]) -> Mapping[Partition, int]:
        """Where each is to be read from."""
        return self._transaction(lambda connection: self._offsets.positions(connection, partitions))

    def write(self, batch: Batch) -> Written:
        """All of it or nothing. Raises Moved, NothingTaken, Undelivered and what the registry raises; nothing is
        written then.
        """
        begun = time.monotonic()
        written = self._transaction(lambda connection: self._write(connection, batch))
        return replace(written, took_s=time.monotonic() - begun)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._open.close()

    def _transaction(self, work: Callable[[Connection[Any]], T]) -> T:
        try:
            connection = self._connected()
            with connection.transaction():
                return work(connection)
        except (psycopg.Error, DatabaseError) as error:
            self.close()
            raise DatabaseAway(f"the database: {error}".strip()) from error

    def _write(self, connection: Connection[Any], batch: Batch) -> Written:
        self._offsets.advance(connection, batch)
        new, refused = self._insert(connection, batch)
        if refused:
            self._prove(connection, batch.topic, refused, others=len(batch.good) > len(refused))
            # The table may have been mended meanwhile. Since it took something it can't be altered until we commit.
            more, refused = self._halve(connection, batch.topic, [record._replace(fault=None) for record in refused])
            new += more
            batch = batch.with_faults(refused)
        if batch.faulty:
            self._letters.send(batch.topic, batch.faulty)
            self._letters.keep(connection, batch.topic, batch.faulty)
        self._copier.learn(batch.topic, new == len(batch.good))
        if batch.topic == SENSOR_READINGS:
            self._tell_anomalies(batch.suspected)
            if new and self._late_after is not None:
                late.remember(connection, batch.times, self._utc() - self._late_after)
        if batch.good:
            self._taken[batch.topic] = batch.good[-1].body
        return Written(len(batch.good), new, max(batch.times, default=None), batch.faulty, 0.0)

    def _tell_anomalies(self, readings: Sequence[Body]) -> None:
        """Before the readings are committed: should that fail, they are told once more."""
        told = [
            (one["sensor_id"].encode(), record_of(one, utc_us(datetime.fromisoformat(one["time"]))))
            for one in anomalies(readings)
        ]
        if told:
            self._outlet.send(SENSOR_ANOMALIES, told)

    def _insert(self, connection: Connection[Any], batch: Batch) -> tuple[int, list[Record]]:
        """How many rows of what is good were new, and the records that the database refuses."""
        if self._copier.copied(connection, batch):
            return len(batch.good), []
        return self._halve(connection, batch.topic, batch.good)

    def _halve(self, connection: Connection[Any], topic: str, records: Sequence[Record]) -> tuple[int, list[Record]]:
        """All of them, if the database takes them; else half of them, until those that it refuses are alone."""
        if not records:
            return 0, []
        try:
            return self._execute(connection, topic, [record.body for record in records]), []
        except REFUSALS as error:
            if len(records) == 1:
                story = f"{type(error).__name__} ({error.sqlstate}): {error}"
                return 0, [records[0]._replace(fault=Fault("refused", story))]
        half = len(records) // 2
        new, refused = self._halve(connection, topic, records[:half])
        more, too = self._halve(connection, topic, records[half:])
        return new + more, refused + too

    def _execute(self, connection: Connection[Any], topic: str, bodies: Sequence[Body]) -> int:
        with connection.transaction():  # a savepoint
            counts = {text: connection.execute(text, columns).rowcount for text, columns in statements(topic, bodies)}
        # A change of an alarm is a row by itself, and besides it may complete the row of its alert.
        beside = (SENSORS, TANKS, *((RAISED, CLEARED) if ALERT_EVENTS in counts else ()))
        return sum(count for text, count in counts.items() if text not in beside)

    def _prove(self, connection: Connection[Any], topic: str, refused: Sequence[Record], others: bool) -> None:
        """That the database takes other records of the topic now, so that it is these that are wrong."""
        if others:
            return
        fault = refused[0].fault
        story = f"the database refuses all {len(refused)} records of {topic} that are here, such as: " + (
            fault.error if fault else ""
        )
        if topic not in self._taken:
            raise NothingTaken(story)
        try:
            self._execute(connection, topic, [self._taken[topic]])
        except REFUSALS as error:
            raise NothingTaken(f"{story}; and one that it took before, too: {error}") from error

    def _connected(self) -> Connection[Any]:
        if self._connection is None:
            connection = self._open.enter_context(connected(self._dsn, autocommit=True))
            if pending := state(connection).pending:
                raise DatabaseError(f"{len(pending)} migrations are missing: run aqua-backend db migrate")
            self._late_after = late.late_after(connection)
            self._connection = connection
        return self._connection
