"""The dashboards are complete, and every question of theirs is one that the database can answer."""

from collections import Counter
from pathlib import Path

import pytest
import yaml

from tests.cloud_sync.stack.dashboards import DASHBOARDS, GRAFANA, dashboard, questions

QUESTIONS = [
    pytest.param(sql, id=f"{path.stem}: {name}") for path in DASHBOARDS for name, sql in questions(dashboard(path))
]


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


@pytest.mark.parametrize("sql", QUESTIONS)
def test_no_macro_is_left_unknown(sql: str) -> None:
    assert "$" not in sql
