"""`aqua-backend db …`."""

import argparse
from datetime import timedelta
from pathlib import Path
from typing import Any

from psycopg import Connection

from cloud_sync.backend.database.connection import DatabaseError, connected, dsn
from cloud_sync.backend.database.migrate import migrate, notice, state
from cloud_sync.backend.database.policies import (
    failed_jobs,
    policies,
    set_chunk,
    set_columnstore_after,
    set_keep_readings,
)
from cloud_sync.backend.database.registration import register


def describe(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, about: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=about, description=about)
        command.add_argument(
            "--dsn-file", type=Path, metavar="FILE", help="holds the DSN (default: AQUA_DATABASE_DSN_FILE or _DSN)"
        )
        return command

    add("migrate", "bring the database to the newest version").set_defaults(run=_migrate)
    add("check", "say whether the database is as this software needs it").set_defaults(run=_check)
    change = add("set", "change when TimescaleDB compresses and drops readings")
    change.add_argument("--chunk-days", type=_days, metavar="DAYS", help="readings of so many days make a chunk")
    change.add_argument(
        "--columnstore-after-days", type=_days, metavar="DAYS", help="compress after; longer than the longest outage"
    )
    change.add_argument(
        "--keep-readings-days", type=_days_or_ever, metavar="DAYS", help="drop older readings, or `forever`"
    )
    change.set_defaults(run=_set)
    registering = add("register", "write what people know of tanks and sensors into the database")
    registering.add_argument("file", type=Path, metavar="FILE.toml", help="[[tanks]] and [[sensors]], each with its id")
    registering.set_defaults(run=_register)


def _migrate(options: argparse.Namespace) -> int:
    with connected(dsn(options.dsn_file), autocommit=True) as connection:
        for migration in (done := migrate(connection)):
            print(f"applied {migration}")
        if not done:
            print("nothing to do")
        if missing := notice(connection):
            print(f"notice: {missing}")
    return 0


def _check(options: argparse.Namespace) -> int:
    with connected(dsn(options.dsn_file), autocommit=True) as connection:
        now = state(connection)
        if now.pending:
            raise DatabaseError(
                f"{len(now.pending)} of {len(now.applied) + len(now.pending)} migrations are missing: "
                "run aqua-backend db migrate"
            )
        print(f"version {now.applied[-1].version}, made for {now.flavour}")
        if missing := notice(connection):
            print(f"notice: {missing}")
        _show_policies(connection)
        failed = failed_jobs(connection)
        for job, time in failed:
            print(f"failed at {time:%Y-%m-%d %H:%M} UTC: {job}; see timescaledb_information.job_errors")
    return 1 if failed else 0


def _set(options: argparse.Namespace) -> int:
    with connected(dsn(options.dsn_file)) as connection:
        if policies(connection) is None:
            raise DatabaseError("there is nothing to set: this database was made without TimescaleDB, or not yet")
        if options.chunk_days is not None:
            set_chunk(connection, options.chunk_days)
        if options.columnstore_after_days is not None:
            set_columnstore_after(connection, options.columnstore_after_days)
        if options.keep_readings_days is not None:
            set_keep_readings(connection, options.keep_readings_days or None)
        _show_policies(connection)
    return 0


def _register(options: argparse.Namespace) -> int:
    with connected(dsn(options.dsn_file)) as connection:
        tanks, sensors = register(connection, options.file)
    print(f"{tanks} tanks and {sensors} sensors")
    return 0


def _show_policies(connection: Connection[Any]) -> None:
    if (rules := policies(connection)) is None:
        return
    print(f"chunks of {_shown(rules.chunk)}")
    print(f"compressed after {_shown(rules.columnstore_after)}")
    print(f"readings kept for {_shown(rules.keep_readings)}")
    print(f"aggregates refreshed {_shown(rules.refresh_back)} back")


def _shown(span: timedelta | None) -> str:
    return "ever" if span is None else f"{span / timedelta(days=1):g} days"


def _days(text: str) -> timedelta:
    days = int(text)
    if not 1 <= days <= 36_500:
        raise argparse.ArgumentTypeError(f"{text} is not between 1 and 36500 days")
    return timedelta(days=days)


def _days_or_ever(text: str) -> timedelta:
    return timedelta() if text == "forever" else _days(text)
