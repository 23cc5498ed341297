"""One connection to PostgreSQL: used by one thread, ended by any."""

import logging
import os
import socket
import struct
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

import psycopg

from cloud_sync.contract.rows import Statement

# Locally to each transaction: behind a pooler, or in a session that others share, nothing of it stays. What is
# acknowledged shall be on the server's disk, whatever its default is.
_LIMITS: Final = """SELECT set_config('statement_timeout', %s, true), set_config('lock_timeout', %s, true),
    set_config('idle_in_transaction_session_timeout', %s, true), set_config('synchronous_commit', 'on', true)"""
_BYTES_SENT_AT = 200  # tcpi_bytes_sent in linux/tcp.h; since Linux 4.19

# psycopg tells with each lost connection that it could not say goodbye; the error itself is raised.
logging.getLogger("psycopg").setLevel(logging.ERROR)


class _Line(NamedTuple):
    """A connection, and its socket once more: to be shut from outside, which no call of the connection survives."""

    connection: psycopg.Connection[Any]
    wire: socket.socket


class Session:
    """Connects with the first `write`. It ends with the connection or by `close`; what goes on is a new one.

    `address` are libpq's parameters. `limits_ms`: statement, lock and idle-in-transaction timeout. `rehearsal` is
    what is executed first of all, to see whether it can be.
    """

    def __init__(
        self, address: Mapping[str, Any], limits_ms: tuple[int, int, int], rehearsal: Sequence[Statement]
    ) -> None:
        self._address = address
        self._limits = [str(limit_ms) for limit_ms in limits_ms]
        self._rehearsal = rehearsal
        self._lock = threading.Lock()
        self._working = False
        self._line: _Line | None = None
        self._told_bytes = 0
        self.over = False

    def write(self, statements: Sequence[Statement]) -> int:
        """All of them in one transaction, in one round trip; returns how many bytes went out since it was last told.

        Blocks. After an error nothing of it is there, unless the connection was lost between commit and answer.
        Raises psycopg.Error.
        """
        with self._lock:
            if self.over:
                raise psycopg.OperationalError("the session is over")
            self._working = True
        try:
            line = self._line or self._connected()
            self._execute(line.connection, statements)
            return self._bytes_since(line.wire)
        finally:
            with self._lock:
                self._working = False
                if self.over or self._line is None or self._line.connection.closed:
                    self._hang_up()

    def close(self) -> None:
        """At once, and from any thread: what another one is doing with it fails."""
        with self._lock:
            self.over = True
            if not self._working:
                self._hang_up()
            elif self._line is not None:
                with suppress(OSError):  # its other end has gone already
                    self._line.wire.shutdown(socket.SHUT_RDWR)

    def _connected(self) -> _Line:
        # BEGIN and COMMIT are our own: within a pipeline psycopg can't know for sure whether there is something to
        # commit. Nothing is prepared: the server plans these statements in a fraction of the time that it executes
        # them, and a pooler need not know what it has prepared for whom.
        connection: psycopg.Connection[Any] = psycopg.connect(**self._address, autocommit=True, prepare_threshold=None)
        line = _Line(connection, socket.socket(fileno=os.dup(connection.fileno())))
        with self._lock:
            self._line = line
            if self.over:
                raise psycopg.OperationalError("the session is over")
        try:
            self._execute(connection, self._rehearsal)
        except psycopg.Error:
            self.over = True
            raise
        return line

    def _execute(self, connection: psycopg.Connection[Any], statements: Sequence[Statement]) -> None:
        try:
            with connection.pipeline():
                connection.execute("BEGIN")
                connection.execute(_LIMITS, self._limits)
                for query, columns in statements:
                    connection.execute(query, columns)
                connection.execute("COMMIT")
        except BaseException:
            with suppress(psycopg.Error):  # the connection is closed then
                connection.rollback()
            raise

    def _bytes_since(self, wire: socket.socket) -> int:
        info = wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_SENT_AT + 8)
        sent: int = struct.unpack_from("=Q", info, _BYTES_SENT_AT)[0]
        since, self._told_bytes = sent - self._told_bytes, sent
        return since

    def _hang_up(self) -> None:
        self.over = True
        if self._line is not None:
            self._line.connection.close()
            self._line.wire.close()
