"""What others on the machine could read or change is refused before anything is opened."""

from pathlib import Path

import pytest

from agent import config
from agent.config import ConfigError, Problem
from tests.agent.gateway_file import right, write


def problems(path: Path) -> list[Problem]:
    with pytest.raises(ConfigError) as caught:
        config.load(path)
    return list(caught.value.problems)


@pytest.mark.parametrize(("mode", "word"), [(0o644, "read"), (0o604, "read"), (0o602, "write")])
def test_a_secret_that_everybody_can_read_or_write_is_refused(tmp_path: Path, mode: int, word: str) -> None:
    path = write(tmp_path, right())
    (tmp_path / "mqtt.secret").chmod(mode)
    (problem,) = problems(path)
    assert (problem.key, problem.value) == ("mqtt.password", '{file = "mqtt.secret"}')
    assert f"every user of this machine can {word}" in problem.reason
    assert problem.remedy.startswith(f"chmod o= {tmp_path / 'mqtt.secret'}")
    assert "hunter2" not in str(problem)


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o440, 0o640])
def test_a_secret_of_the_gateway_and_its_group_is_taken(tmp_path: Path, mode: int) -> None:
    path = write(tmp_path, right())
    (tmp_path / "mqtt.secret").chmod(mode)
    config.load(path)


def test_a_key_that_everybody_can_read_is_refused(tmp_path: Path) -> None:
    document = right()
    for name in ("own.pem", "own.key"):
        (tmp_path / name).touch(mode=0o644)
    files = {"ca_file": "ca.pem", "cert_file": "own.pem", "key_file": "own.key"}
    document["sinks"]["db"] = {"kind": "timescale", "host": "db.example", "user": "gw", **files}
    path = write(tmp_path, document)
    (tmp_path / "own.key").chmod(0o644)
    assert [problem.key for problem in problems(path)] == ["sinks.db.key_file"]
    (tmp_path / "own.key").chmod(0o600)
    config.load(path)


def test_what_everybody_could_change_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, right())
    path.chmod(0o666)
    assert [problem.key for problem in problems(path)] == ["the file itself"]
    path.chmod(0o644)
    (tmp_path / "state").mkdir()
    (tmp_path / "state").chmod(0o777)
    assert [problem.key for problem in problems(path)] == ["gateway.state_dir"]
    (tmp_path / "state").chmod(0o755)
    config.load(path)
