"""Records as rows of TimescaleDB, or of PostgreSQL without it, straight from the gateway.

A batch is one transaction: all of it is there, or nothing. Its rows have keys that make a second delivery harmless, so
that an answer may be lost. What the server's errors mean is in `timescale_errors`.
"""

import asyncio
from collections.abc import Sequence

import psycopg

from agent.domain.errors import SinkMisconfigured, SinkUnavailable
from cloud_sync.contract.anomalies import anomalies
from cloud_sync.contract.reading_body import ReadingBody
from cloud_sync.contract.record import Record
from cloud_sync.contract.rows import Statement, rehearsal, statements
from cloud_sync.contract.topics import (
    GATEWAY_HEALTH,
    SENSOR_ALERTS,
    SENSOR_ANOMALIES,
    SENSOR_GAPS,
    SENSOR_READINGS,
    SENSOR_ROLLUPS,
)
from cloud_sync.uplink.breaker import Failure
from cloud_sync.uplink.interfaces import Batching, BatchRefused, BatchTooLarge, Delivery, TooSlow
from cloud_sync.uplink.own_thread import OwnThread
from cloud_sync.uplink.packer import Packer
from cloud_sync.uplink.timescale_errors import SMALLER_MAY_DO, TOO_LARGE, failure_of, reason_of
from cloud_sync.uplink.timescale_session import Session
from cloud_sync.uplink.timescale_settings import TimescaleSettings

_OURS = (SENSOR_READINGS, SENSOR_ROLLUPS, SENSOR_GAPS, SENSOR_ALERTS, GATEWAY_HEALTH, SENSOR_ANOMALIES)


class TimescaleSink:
    """Implements `Sink` on one database."""

    Settings = TimescaleSettings

    def __init__(self, settings: TimescaleSettings, gateway_id: str) -> None:
        self._settings = settings
        self._where = f"database {settings.database} on {settings.host}:{settings.port}"
        self._session: Session | None = None
        self._packer = Packer(_packed, "timescale")
        self._thread = OwnThread(self._where)

    @property
    def batching(self) -> Batching:
        own = self._settings
        deadline_s = 2.0 * own.connect_timeout_s + own.statement_timeout_s  # a name may have two addresses
        return Batching(own.batch, own.linger_s, deadline_s)

    async def open(self) -> None:
        """Whether all tables can be written is seen by writing no rows to them."""
        await self.close()
        await self._write([])

    def pack_ahead(self, batch: Sequence[Record]) -> None:
        self._packer.begin(batch)

    async def send(self, batch: Sequence[Record]) -> Delivery:
        try:
            packed = await self._packer.packed(batch)
        except KeyError as error:
            raise BatchRefused(f"{batch[0].topic}: no row can be made of a record without {error}") from error
        return Delivery(sent_bytes=await self._write(packed))

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()

    async def _write(self, packed: Sequence[Statement]) -> int:
        if self._session is None or self._session.over:
            self._session = self._new_session()
        session = self._session
        try:
            return await self._thread.run(lambda: session.write(packed))
        except asyncio.CancelledError:
            session.close()  # nobody wants any more what the thread waits for
            raise
        except psycopg.Error as error:
            failure = failure_of(error)
            if failure is Failure.UNKNOWN:
                raise
            raise self._told(failure, error) from error

    def _told(self, failure: Failure, error: psycopg.Error) -> Exception:
        reason, code = self._without_password(f"{self._where}: {reason_of(error)}"), error.sqlstate or ""
        if failure is Failure.NEEDS_A_PERSON:
            return SinkMisconfigured(reason)
        if failure is Failure.POISON:
            return (BatchTooLarge if code.startswith(TOO_LARGE) else BatchRefused)(reason)
        return (TooSlow if code in SMALLER_MAY_DO else SinkUnavailable)(reason)

    def _new_session(self) -> Session:
        own = self._settings
        limits_s = (own.statement_timeout_s, own.lock_timeout_s, own.idle_in_transaction_timeout_s)
        statement_ms, lock_ms, idle_ms = (round(limit_s * 1000) for limit_s in limits_s)
        return Session(own.address(), (statement_ms, lock_ms, idle_ms), rehearsal(_OURS))

    def _without_password(self, words: str) -> str:
        """A server may quote what it was sent, and its words are logged."""
        password = self._settings.password
        return words.replace(password.reveal(), "***") if password and password.reveal() else words


def _packed(batch: Sequence[Record]) -> list[Statement]:
    # Every column is looked up in every one of them.
    bodies = [body.made() if isinstance(body := record.body, ReadingBody) else body for record in batch]
    topic = batch[0].topic
    found = statements(topic, bodies)
    return [*found, *statements(SENSOR_ANOMALIES, list(anomalies(bodies)))] if topic == SENSOR_READINGS else found
