"""The dashboards are complete, and the database answers every question of theirs."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from psycopg import Connection

from cloud_sync.backend.database.migrate import migrate
from tests.cloud_sync.stack.dashboards import DASHBOARDS, GRAFANA, dashboard, questions
from tests.services.timescale import Timescale

QUESTIONS = [
    pytest.param(sql, id=f"{path.stem}: {name}") for path in DASHBOARDS for name, sql in questions(dashboard(path))
]


@pytest.fixture(scope="module")
def farm(timescale: Timescale) -> Iterator[Connection[Any]]:
    """The database of a farm where everything has happened once."""
    with timescale.fresh() as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        migrate(connection)
        connection.execute(Path(__file__).with_name("farm.sql").read_bytes())
        yield connection


@pytest.mark.parametrize("sql", QUESTIONS)
def test_every_question_has_an_answer(farm: Connection[Any], sql: str) -> None:
    assert "$" not in sql, "a macro that the test does not know"
    assert farm.execute(sql.encode()).fetchall()


def test_lines_are_of_usable_readings_and_points_of_the_others(farm: Connection[Any]) -> None:
    (tanks,) = (path for path in DASHBOARDS if path.stem == "tanks")
    sql = dict(questions(dashboard(tanks)))
    assert [row[1:] for row in farm.execute(sql["$type A"].encode())] == [("ph-1 2222, pH", pytest.approx(7.2))]
    assert [row[1:] for row in farm.execute(sql["$type B"].encode())] == [("fail: ph-1 2222, pH", 9.9)]
    flags = {row[1]: row[2] for row in farm.execute(sql["Readings by flag A"].encode())}
    assert flags == {"good": 2, "fail": 1, "missing": 1}


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_every_panel_asks_the_provisioned_datasource_and_says_what_it_shows(path: Path) -> None:
    provisioned = yaml.safe_load((GRAFANA / "provisioning/datasources/aquacontrol.yaml").read_text())["datasources"]
    known = [{"type": source["type"], "uid": source["uid"]} for source in provisioned]
    board = dashboard(path)
    for panel in board["panels"]:
        assert panel["datasource"] in known and panel["title"] and panel["description"]
        assert panel["targets"] and all(target["datasource"] in known for target in panel["targets"])
    assert all(variable["datasource"] in known for variable in board["templating"]["list"])
    assert max(Counter(panel["id"] for panel in board["panels"]).values()) == 1


def test_dashboards_are_told_apart() -> None:
    assert [path.stem for path in DASHBOARDS] == ["ingestion", "tanks"]
    assert len({dashboard(path)["uid"] for path in DASHBOARDS}) == len(DASHBOARDS)
