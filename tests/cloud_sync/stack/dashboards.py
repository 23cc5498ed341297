"""What Grafana asks the database, put into the SQL that Grafana makes of it."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

GRAFANA = Path(__file__).parents[3] / "cloud_sync" / "backend" / "grafana"
DASHBOARDS = sorted((GRAFANA / "dashboards").glob("*.json"))

_SINCE, _UNTIL = "'2026-11-01T00:00:00Z'", "'2026-11-02T00:00:00Z'"
_MACROS = {
    r"\$__timeFilter\(([^)]+)\)": rf"\1 BETWEEN {_SINCE} AND {_UNTIL}",
    r"\$__timeGroupAlias\(([^,]+), \$__interval\)": r"""date_bin('60s', \1, '2000-01-01Z') AS "time" """,
    r"\$__timeFrom\(\)": _SINCE,
    r"\$__timeTo\(\)": _UNTIL,
    r"\$__interval_ms": "60000",
    r"\$\{tank:sqlstring\}": "'11111111-1111-4111-8111-111111111111'",
    r"\$\{type:sqlstring\}": "'pH'",
}


def dashboard(path: Path) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def questions(board: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(who asks, SQL) of its panels and variables."""
    for panel in board["panels"]:
        for target in panel["targets"]:
            yield f"{panel['title']} {target['refId']}", asked(target["rawSql"])
    for variable in board["templating"]["list"]:
        yield variable["name"], asked(variable["query"])


def asked(sql: str) -> str:
    """As it reaches the database."""
    for macro, becomes in _MACROS.items():
        sql = re.sub(macro, becomes, sql)
    return sql
