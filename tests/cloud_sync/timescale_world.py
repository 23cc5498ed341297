"""A database for a gateway's sink: who may write it, what it holds, and what can befall it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, LiteralString
from unittest import mock
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row

from agent.domain.errors import SinkUnavailable
from agent.domain.secret import Secret
from cloud_sync.backend.database.migrate import migrate
from cloud_sync.contract.record import Record
from cloud_sync.contract.timestamps import iso_utc
from cloud_sync.uplink.interfaces import Batching, Sink
from cloud_sync.uplink.timescale import TimescaleSink
from cloud_sync.uplink.timescale_settings import TimescaleSettings
from tests.cloud_sync.sink_contract import JudgingWorld, Mood
from tests.cloud_sync.tcp_proxy import TcpProxy
from tests.cloud_sync.things import GATEWAY
from tests.services.postgres import Postgres

PASSWORD: Final = "hush-hush-hush"  # noqa: S105 - of a role that lives as long as a test
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_HELD: Final[Sequence[LiteralString]] = (
    """SELECT time, sensor_id::text, tank_id::text, sensor_type, value, quality_score, metadata
       FROM sensor_data.readings ORDER BY time""",
    "SELECT time, sensor_id::text, sensor_type, count_readings AS count, metadata FROM sensor_data.rollups",
    "SELECT time, count, metadata FROM sensor_data.gaps",
    "SELECT created_at AS time, sensor_id::text, metadata FROM sensor_data.alerts",
)
_OF_EVERY_ROW: Final = b'"gateway":'  # in its metadata
# What the README says of the rights of a gateway.
_GRANTS: Final = """
    GRANT USAGE ON SCHEMA sensor_data, analytics TO {role};
    GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA sensor_data TO {role};
    GRANT SELECT, INSERT ON analytics.anomalies TO {role};
    GRANT UPDATE ON sensor_data.alerts, sensor_data.tanks, sensor_data.sensors TO {role}"""
_JUDGE: Final = """
    CREATE OR REPLACE FUNCTION public.judge() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        PERFORM pg_sleep({slow_s});
        IF (NEW.metadata->>'sequence')::int = ANY ({refused}) THEN
            RAISE EXCEPTION 'value is not plausible' USING ERRCODE = {code};
        END IF;
        RETURN NEW;
    END $$;
    CREATE OR REPLACE TRIGGER judge BEFORE INSERT ON sensor_data.readings
        FOR EACH ROW EXECUTE FUNCTION public.judge()"""


def held(dsn: str) -> list[Mapping[str, Any]]:
    """The bodies that the database holds."""
    with psycopg.connect(dsn, row_factory=dict_row) as connection:
        rows = [row for question in _HELD for row in connection.execute(question)]
    return [{**row, "time": iso_utc((row["time"] - _BEGINNING) // timedelta(microseconds=1))} for row in rows]


def migrated(server: Postgres) -> str:
    """The name of a database to be copied."""
    name = f"aqua_{uuid4().hex[:8]}"
    server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    with psycopg.connect(server.dsn_of(name), autocommit=True) as connection:
        migrate(connection)
    return name


def sink_of(dsn: str, **settings: Any) -> TimescaleSink:
    """Straight to a database, as whoever its DSN names."""
    parts = conninfo_to_dict(dsn)
    password = Secret(str(parts["password"]), "PASSWORD_FILE") if "password" in parts else None
    own = {"host": parts["host"], "port": int(str(parts["port"])), "user": parts["user"], "database": parts["dbname"]}
    return TimescaleSink(TimescaleSettings(**{**own, "password": password, "linger_s": 0.0, **settings}), GATEWAY)


class TimescaleWorld(JudgingWorld):
    """A database of its own in `server`, reached through a proxy by a user of its own."""

    def __init__(self, server: Postgres, dsn: str, role: str) -> None:
        self.dsn = dsn
        self.role = role
        self.database = str(conninfo_to_dict(dsn)["dbname"])
        self.proxy = TcpProxy(server.port, row_mark=_OF_EVERY_ROW)
        self.proxy.start()
        nothing = OSError("Name or service not known")
        self.name_server = mock.patch("socket.getaddrinfo", side_effect=nothing)
        self.admit_us()
        self.execute(sql.SQL(_GRANTS).format(role=sql.Identifier(role)))

    def settings(self, **settings: Any) -> TimescaleSettings:
        own = {"host": "localhost", "port": self.proxy.port, "user": self.role, "database": self.database}
        secret = Secret(PASSWORD, "PASSWORD_FILE")
        patience = {"connect_timeout_s": 2, "statement_timeout_s": 1.0, "lock_timeout_s": 0.2, "linger_s": 0.0}
        return TimescaleSettings(**{**own, "password": secret, **patience, **settings})

    def sink(self, **settings: Any) -> TimescaleSink:
        return _Impatient(self.settings(**settings), GATEWAY)

    def execute(self, statement: LiteralString | sql.Composed) -> None:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(statement)

    def received(self) -> list[Mapping[str, Any]]:
        return held(self.dsn)

    def sessions(self) -> set[int]:
        """The server's processes that serve the sink."""
        with psycopg.connect(self.dsn) as connection:
            ask = "SELECT pid FROM pg_stat_activity WHERE usename = %s"
            return {pid for (pid,) in connection.execute(ask, [self.role])}

    def go_away(self) -> None:
        self.proxy.stop()

    def come_back(self) -> None:
        self.proxy.stop()
        self.proxy.start()

    def refuse_us(self) -> None:
        self._let_in_with("another")

    def admit_us(self) -> None:
        self._let_in_with(PASSWORD)

    def misbehave(self, mood: Mood) -> None:
        match mood:
            case Mood.HANGS:
                self.proxy.goes_on.clear()
            case Mood.IS_SLOW:
                self.proxy.delay_s = 0.02
            case Mood.TAKES_HALF:
                self.proxy.cuts_before_commit = True
            case Mood.LOSES_THE_ANSWER:
                self.proxy.loses_answers = True
            case Mood.RESETS:
                self.proxy.resets = True
            case Mood.IS_NOWHERE:
                self.name_server.start()

    def behave(self) -> None:
        self.proxy.goes_on.set()
        self.proxy.cuts_before_commit = self.proxy.loses_answers = self.proxy.resets = False
        self.proxy.delay_s = 0.0
        self.name_server.stop()

    async def send_and_lose_the_answer(self, sink: Sink, batch: Sequence[Record]) -> None:
        self.proxy.loses_answers = True
        with pytest.raises(SinkUnavailable):
            await sink.send(batch)
        self.proxy.loses_answers = False

    def refuse(self, seqs: set[int], by_name: bool) -> None:
        """A database names no record; it has two ways to refuse one: by a constraint, and as no value of its column."""
        self._judge(seqs, "23514" if by_name else "22003")

    def dawdle(self) -> None:
        self._judge(set(), "23514", slow_s=1.2)

    def hurry(self) -> None:
        self._judge(set(), "23514")

    def _judge(self, refused: set[int], code: str, slow_s: float = 0.0) -> None:
        array = sql.SQL("ARRAY[{}]::int[]").format(sql.SQL(",").join(map(sql.Literal, sorted(refused))))
        self.execute(sql.SQL(_JUDGE).format(slow_s=sql.Literal(slow_s), refused=array, code=sql.Literal(code)))

    def _let_in_with(self, password: str) -> None:
        statement = sql.SQL("ALTER ROLE {} PASSWORD {}")
        self.execute(statement.format(sql.Identifier(self.role), sql.Literal(password)))


class _Impatient(TimescaleSink):
    @property
    def batching(self) -> Batching:
        return replace(super().batching, deadline_s=0.4)


@contextmanager
def a_world(server: Postgres, template: str) -> Iterator[TimescaleWorld]:
    role = f"gateway_{uuid4().hex[:8]}"
    server.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
    try:
        with server.fresh(template) as dsn:
            world = TimescaleWorld(server, dsn, role)
            try:
                yield world
            finally:
                world.behave()
                world.go_away()
    finally:
        server.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))
