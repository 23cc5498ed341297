"""The view `reading_tests`: what each check said of a reading, a column a check.

Made from the checks themselves, so that a new one is a new column; a reading from before it has none there.
"""

import sqlite3

from agent.checks import CHECKS


def write_view(connection: sqlite3.Connection) -> None:
    """See that the view is that of this version; nothing is written where it is."""
    there = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'reading_tests'").fetchone()
    columns = ["seq", "time_utc", "tank", "probe", "sensor", "value", "flag"]
    for place, name in enumerate(CHECKS, 1):
        columns.append(f"CAST(nullif(substr(tests, {place}, 1), '') AS INTEGER) AS {name}")
    view = f"CREATE VIEW reading_tests AS SELECT {', '.join(columns)} FROM reading"
    if there is None or there[0] != view:
        connection.executescript(f"BEGIN IMMEDIATE; DROP VIEW IF EXISTS reading_tests; {view}; COMMIT;")
