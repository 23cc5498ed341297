"""`aqua-backend db …`, as a person runs it; and that nobody who reads what it says learns the password."""

from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from cloud_sync.backend.__main__ import main
from cloud_sync.backend.database.connection import DatabaseError, connected, dsn
from cloud_sync.backend.database.migrations import migrations
from tests.backend.database.rows import ask
from tests.services.postgres import PASSWORD, Postgres

TANK_ID = "550e8400-e29b-41d4-a716-446655440000"
SENSOR_ID = "550e8400-e29b-41d4-a716-446655440001"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "dsn"


def test_migrate_says_what_it_did_and_check_is_content(
    empty_dsn: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(f"{empty_dsn}\n")
    assert main(["db", "check", "--dsn-file", str(file)]) == 1
    assert "run aqua-backend db migrate" in capsys.readouterr().err
    assert main(["db", "migrate", "--dsn-file", str(file)]) == 0
    said = capsys.readouterr().out
    assert [f"applied {migration}" for migration in migrations()] == said.splitlines()[: len(migrations())]
    assert main(["db", "migrate", "--dsn-file", str(file)]) == 0
    assert capsys.readouterr().out.startswith("nothing to do")
    assert main(["db", "check", "--dsn-file", str(file)]) == 0
    said = capsys.readouterr().out
    assert f"version {len(migrations())}" in said
    assert "notice: this is plain PostgreSQL" in said or "compressed after 30 days" in said


def test_set_changes_the_policies_or_says_why_not(
    database_dsn: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AQUA_DATABASE_DSN", database_dsn)
    changes = ["--chunk-days", "1", "--columnstore-after-days", "40", "--keep-readings-days", "700"]
    status = main(["db", "set", *changes])
    said = capsys.readouterr()
    if status == 0:
        assert said.out.splitlines()[:3] == [
            "chunks of 1 days",
            "compressed after 40 days",
            "readings kept for 700 days",
        ]
        assert main(["db", "set", "--keep-readings-days", "forever"]) == 0
        assert "readings kept for ever" in capsys.readouterr().out
        assert main(["db", "set", "--keep-readings-days", "10"]) == 1
        assert "must be kept for 31 days or longer" in capsys.readouterr().err
    else:
        assert "made without TimescaleDB" in said.err


def test_register_writes_what_people_know(
    database_dsn: str, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(database_dsn)
    farm = tmp_path / "farm.toml"
    farm.write_text(f"""
        [[tanks]]
        id = "{TANK_ID}"
        name = "tank-3"
        capacity_value = 12.0
        capacity_unit = "m3"
        location = {{building = "A", room = "2"}}
        optimal_parameters = {{pH = 7.2}}

        [[sensors]]
        id = "{SENSOR_ID}"
        tank_id = "{TANK_ID}"
        sensor_type = "DissolvedOxygen"
        serial_number = "DO-1234"
        calibration_date = 2026-11-01
        expected_interval_s = 60
    """)
    for _ in range(2):
        assert main(["db", "register", "--dsn-file", str(file), str(farm)]) == 0
        assert capsys.readouterr().out == "1 tanks and 1 sensors\n"
    farm.write_text(f'[[sensors]]\nid = "{SENSOR_ID}"\naccuracy = 0.1')
    assert main(["db", "register", "--dsn-file", str(file), str(farm)]) == 0
    with psycopg.connect(database_dsn) as connection:
        assert ask(connection, "SELECT name, location ->> 'room', status FROM sensor_data.tanks") == [
            ("tank-3", "2", "Inactive")
        ]
        assert ask(
            connection,
            "SELECT serial_number, accuracy, extract(epoch FROM expected_interval)::int FROM sensor_data.sensors",
        ) == [("DO-1234", 0.1, 60)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[ponds]]", "ponds: write [[tanks]] and [[sensors]]"),
        ("[tanks]\nid = 1", "[tanks] must be written [[tanks]]"),
        ('[[tanks]]\nid = "tank-3"', "tanks entry 1: id must be a UUID in quotes"),
        (
            f'[[sensors]]\nid = "{SENSOR_ID}"\nserial = "x"',
            "sensors entry 1: serial is not known; known are id, tank_id",
        ),
        (f'[[sensors]]\nid = "{SENSOR_ID}"', 'sensors entry 1: null value in column "tank_id"'),
        (f'[[tanks]]\nid = "{TANK_ID}"\nname = "a"\ncapacity_value = "big"', "tanks entry 1: invalid input syntax"),
        ("[[tanks", "farm.toml: "),
    ],
)
def test_a_mistake_in_the_file_is_named_and_nothing_is_written(
    text: str, said: str, database_dsn: str, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(database_dsn)
    farm = tmp_path / "farm.toml"
    farm.write_text(f'[[tanks]]\nid = "{SENSOR_ID}"\nname = "good"\n{text}' if text.startswith("[[s") else text)
    assert main(["db", "register", "--dsn-file", str(file), str(farm)]) == 1
    assert said in capsys.readouterr().err
    with psycopg.connect(database_dsn) as connection:
        assert ask(connection, "SELECT name FROM sensor_data.tanks") == []


@pytest.mark.parametrize(
    "wrong",
    [
        "postgresql://postgres:{password}@127.0.0.1:1/x",
        "postgresql://postgres:{password}-wrong@127.0.0.1:{port}/postgres",
        "postgresql://postgres:{password}@127.0.0.1:{port}/nowhere",
        "postgresql://postgres:{password}@{password}@127.0.0.1:{port}/postgres",
        "postgresql://postgres:{password}/{password}@127.0.0.1:{port}/postgres",
        "postgresql://postgres:{password}%zz@127.0.0.1:{port}/postgres",
        "postgresql:/postgres:{password}@127.0.0.1:{port}/postgres",
        "postgresql://postgres:{password}@127.0.0.1:{port}/postgres?colour=blue",
        "host=127.0.0.1 port={port} user=postgres password={password} dbname=nowhere",
        "host=127.0.0.1 password='{password}",
        "{password}",
        "",
    ],
)
def test_no_error_shows_the_password(
    wrong: str, postgres: Postgres, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(wrong.format(password=PASSWORD, port=postgres.port))
    assert main(["db", "migrate", "--dsn-file", str(file)]) == 1
    said = "".join(capsys.readouterr())
    assert PASSWORD not in said
    assert said.startswith("aqua-backend: ")
    assert len(said.strip()) > len("aqua-backend: ")


def test_the_database_that_refused_is_named(postgres: Postgres) -> None:
    with (
        pytest.raises(DatabaseError, match=r"database nowhere on 127\.0\.0\.1: .*does not exist"),
        connected(dsn(None, {"AQUA_DATABASE_DSN": postgres.dsn_of("nowhere")})),
    ):
        pass


def test_a_dsn_may_be_in_a_file_that_the_environment_names(file: Path) -> None:
    file.write_text("host=a\n")
    environment: dict[str, Any] = {"AQUA_DATABASE_DSN_FILE": str(file), "AQUA_DATABASE_DSN": "host=b"}
    assert dsn(None, environment).reveal() == "host=a"
    assert PASSWORD not in repr(dsn(None, {"AQUA_DATABASE_DSN": make_conninfo(password=PASSWORD)}))


def test_no_dsn_and_no_file_say_what_to_do(file: Path) -> None:
    with pytest.raises(DatabaseError, match="Give --dsn-file FILE, or set AQUA_DATABASE_DSN_FILE"):
        dsn(None, {})
    with pytest.raises(DatabaseError, match=r"cannot be read from .*dsn"):
        dsn(file)
