"""The ingestion itself: what is to be done next, in one thread that polls Kafka and never waits for the database."""

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import datetime
from threading import Event
from typing import Any

from cloud_sync.backend.ingest.backoff import Backoff
from cloud_sync.backend.ingest.batch import Batch
from cloud_sync.backend.ingest.lane import Lane
from cloud_sync.backend.ingest.metrics import Metrics, State
from cloud_sync.backend.ingest.records import (
    DatabaseAway,
    Moved,
    NothingTaken,
    Partition,
    Record,
    Undelivered,
)
from cloud_sync.backend.ingest.source import Source
from cloud_sync.backend.ingest.worker import Worker
from cloud_sync.backend.ingest.writer import Writer, Written
from cloud_sync.contract.errors import RegistryRefuses, RegistryUnavailable

log = logging.getLogger(__name__)

_MOST = 1000  # messages taken at once
_POLL_S = 0.1
_CROWDED_S = 1.0  # a full batch waits so long for the database; then what was fetched ahead is given up
_REPORT_S = 1.0
_LAST_BATCH_S = 2.0


class Ingest:
    """`lanes` by topic; `make_source` is told what to call when partitions are lost."""

    def __init__(
        self,
        make_source: Callable[[Callable[[Sequence[Partition]], None]], Source],
        lanes: dict[str, Lane],
        writer: Writer,
        metrics: Metrics,
        backoff: Callable[[], Backoff],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lanes = lanes
        self._writer = writer
        self._metrics = metrics
        self._clock = clock
        self._database = backoff()
        self._registry = backoff()
        self._worker = Worker("database")
        self._source = make_source(self._lost)
        self._written: dict[Partition, int] = {}
        self._newest_s: dict[str, float] = {}
        self._reported_s = 0.0
        self._stopping = False
        self._state = State.STARTING
        self.turned_s = clock()
        """When the loop last went round."""

    @property
    def ready(self) -> bool:
        """It is a member of the group, knows where to read, and the database answers."""
        return self._source.joined and not self._source.unplaced and self._database.trouble is None

    def run(self, stop: Event) -> None:
        """Until `stop`. Raises SourceError."""
        try:
            while not stop.is_set():
                self.turn()
        finally:
            self._stopping = True
            self._tell_state()
            if not self._worker.collect(_LAST_BATCH_S):
                log.warning("the database has not answered; what it may have written is found out at the next start")
            self._source.close()

    def turn(self) -> None:
        """Once round; takes no longer than a second or two, or the registry's patience."""
        self._worker.collect()
        self._begin_next()
        self._hold_back()
        for topic, message in self._source.take(_MOST, _POLL_S):
            self._lanes[topic].take(message)
        self._decode()
        self._report()
        self._tell_state()
        self.turned_s = self._clock()

    def _begin_next(self) -> None:
        if self._worker.busy or not self._database.ready:
            return
        if self._source.unplaced:
            asked = sorted(self._source.unplaced)
            self._worker.begin(lambda: self._writer.positions(asked), self._place)
        elif due := [lane for lane in self._lanes.values() if lane.due]:
            self._write(min(due, key=lambda lane: lane.since_s))

    def _write(self, lane: Lane) -> None:
        batch = lane.batch()
        self._worker.begin(lambda: self._writer.write(batch), lambda future: self._settle(lane, batch, future))

    def _place(self, future: Future[Any]) -> None:
        try:
            positions = future.result()
        except DatabaseAway as error:
            self._failed(self._database, "database", error)
            return
        self._succeeded(self._database, "the database is back")
        for partition, offset in positions.items():
            if partition in self._source.unplaced:
                topic, number = partition
                self._lanes[topic].begin(number, offset)
                self._written[partition] = offset
                self._source.place(partition, offset)

    def _settle(self, lane: Lane, batch: Batch, future: "Future[Written]") -> None:
        try:
            written = future.result()
        except Moved as moved:
            log.info("%s", moved)
            lane.forget(moved.partitions)
            lane.put_back(batch)
            self._source.displace([(batch.topic, number) for number in moved.partitions])
        except DatabaseAway as error:
            lane.put_back(batch)
            self._failed(self._database, "database", error)
        except (NothingTaken, Undelivered, RegistryUnavailable, RegistryRefuses) as error:
            lane.put_back(batch)
            self._failed(lane.backoff, lane.topic, error)
        else:
            self._succeeded(self._database, "the database is back")
            self._succeeded(lane.backoff, f"{lane.topic} goes on")
            after = batch.after
            self._written |= {(batch.topic, number): offset for number, offset in after.items()}
            self._source.written(batch.topic, after)
            self._count(batch, written)

    def _hold_back(self) -> None:
        """Of a topic whose batch is full no more is taken in; of the others it is."""
        crowded = [topic for topic, lane in self._lanes.items() if lane.full and not self._source.is_paused(topic)]
        if crowded:
            for topic in crowded:
                self._lanes[topic].prepare()
            if self._worker.collect(_CROWDED_S):
                self._begin_next()
        for topic, lane in self._lanes.items():
            if lane.full:
                self._source.pause(topic)
            else:
                self._source.resume(topic)

    def _decode(self) -> None:
        if not self._registry.ready:
            return
        undecoded = [lane for lane in self._lanes.values() if lane.undecoded]
        for lane in undecoded:
            try:
                lane.decode()
            except (RegistryUnavailable, RegistryRefuses) as error:
                self._failed(self._registry, "registry", error)
                return
        if undecoded:
            self._succeeded(self._registry, "the registry is back")

    def _lost(self, partitions: Sequence[Partition]) -> None:
        for topic, number in partitions:
            self._lanes[topic].forget([number])
            self._written.pop((topic, number), None)
            self._metrics.lag.remove(topic, str(number))

    def _failed(self, backoff: Backoff, of: str, error: Exception) -> None:
        if str(error) != backoff.trouble:
            log.warning("%s", error)
        self._metrics.faults.labels(of).inc()
        backoff.failed(error)

    def _succeeded(self, backoff: Backoff, news: str) -> None:
        if backoff.trouble is not None:
            log.info("%s", news)
        backoff.succeeded()

    def _count(self, batch: Batch, written: Written) -> None:
        metrics, topic = self._metrics, batch.topic
        metrics.batches.labels(topic).inc()
        metrics.rows.labels(topic).inc(written.rows)
        metrics.duplicates.labels(topic).inc(written.rows - written.new)
        metrics.transaction.observe(written.took_s)
        if written.newest is not None:
            self._newest_s[topic] = max(
                self._newest_s.get(topic, 0.0), datetime.fromisoformat(written.newest).timestamp()
            )
            metrics.newest.labels(topic).set(self._newest_s[topic])
        by_reason: dict[str, list[Record]] = {}
        for record in written.set_aside:
            if record.fault is not None:
                by_reason.setdefault(record.fault.reason, []).append(record)
        for reason, (record, *others) in by_reason.items():
            metrics.dead_letters.labels(topic, reason).inc(1 + len(others))
            where, story = record.message, record.fault.error if record.fault is not None else ""
            more = f", and {len(others)} more" if others else ""
            log.error("%s %d: set aside %d%s: %s: %s", topic, where.partition, where.offset, more, reason, story)

    def _report(self) -> None:
        if self._clock() - self._reported_s < _REPORT_S:
            return
        self._reported_s = self._clock()
        for (topic, number), end in self._source.ends():
            left = max(0, end - self._written.get((topic, number), 0))
            self._metrics.lag.labels(topic, str(number)).set(left)

    def _tell_state(self) -> None:
        state = self._present_state()
        if state is not self._state:
            log.info("%s", state.value)
            self._state = state
            self._metrics.state.state(state.value)

    def _present_state(self) -> State:
        if self._stopping:
            return State.STOPPING
        if self._database.trouble is not None:
            return State.DATABASE_AWAY
        if self._registry.trouble is not None:
            return State.REGISTRY_AWAY
        if self._source.trouble is not None:
            return State.KAFKA_AWAY
        if any(lane.backoff.trouble is not None for lane in self._lanes.values()):
            return State.HELD
        return State.READING if self._source.joined and not self._source.unplaced else State.STARTING
