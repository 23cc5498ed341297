"""A PostgreSQL that writes to the disk like any other, with a database for either client."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from agent.domain.secret import Secret
from cloud_sync.backend.database.migrate import migrate
from cloud_sync.uplink.timescale import TimescaleSink
from cloud_sync.uplink.timescale_settings import TimescaleSettings
from tests.services.postgres import Postgres

_FORWARDER, _BARE = "forwarder", "bare"


class LastingPostgres(Postgres):
    """With fsync and full pages, as it comes."""

    def settings(self) -> Mapping[str, str]:
        return {**super().settings(), "fsync": "on", "full_page_writes": "on"}


@contextmanager
def database(folder: Path) -> Iterator[str]:
    """The DSN of the forwarder's database. NotInstalled where there is no PostgreSQL."""
    with LastingPostgres(folder) as server:
        for name in (_FORWARDER, _BARE):
            with psycopg.connect(server.dsn, autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}".encode())
            with psycopg.connect(server.dsn_of(name), autocommit=True) as connection:
                migrate(connection)
        yield server.dsn_of(_FORWARDER)


def sink_of(dsn: str) -> TimescaleSink:
    parts = conninfo_to_dict(dsn)
    password = Secret(str(parts["password"]), "DSN")
    host, port, user, name = (str(parts[key]) for key in ("host", "port", "user", "dbname"))
    return TimescaleSink(TimescaleSettings(host, user, password, int(port), name, linger_s=0), "bench")


def emptied(dsn: str) -> str:
    """The DSN of the bare client's database, with no reading in it."""
    bare = dsn.removesuffix(_FORWARDER) + _BARE
    with psycopg.connect(bare, autocommit=True) as connection:
        connection.execute("TRUNCATE sensor_data.readings, sensor_data.tanks, sensor_data.sensors")
    return bare
