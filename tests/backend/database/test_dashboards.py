"""Every question of the dashboards is one that the database can answer."""

from typing import Any

from psycopg import Connection

from tests.cloud_sync.stack.dashboards import DASHBOARDS, dashboard, questions


def test_every_question_of_the_dashboards_is_answered(database: Connection[Any]) -> None:
    for path in DASHBOARDS:
        for _, sql in questions(dashboard(path)):
            database.execute(sql.encode()).fetchall()
