"""The dashboards' questions are answered also without TimescaleDB."""

import psycopg

from tests.cloud_sync.stack.dashboards import DASHBOARDS, dashboard, questions
from tests.services.postgres import Postgres


def test_every_question_of_the_dashboards_is_one_for_plain_postgresql_too(postgres: Postgres, template: str) -> None:
    with postgres.fresh(template) as dsn, psycopg.connect(dsn) as connection:
        for path in DASHBOARDS:
            for _, sql in questions(dashboard(path)):
                connection.execute(sql.encode()).fetchall()
