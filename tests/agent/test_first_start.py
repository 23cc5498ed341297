"""A start without a configuration leaves one to begin with, and says what is next."""

from pathlib import Path

import pytest

from agent.__main__ import main
from agent.config import ConfigError, load
from agent.config.example import BROKER_PASSWORD, example, write_example


def test_a_first_start_writes_an_example_and_starts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "gateway.toml"
    monkeypatch.setenv("AQUA_CONFIG", str(path))
    assert main(["run"]) == 2
    said = capsys.readouterr().err
    assert str(path) in said
    assert "check-config" in said
    assert "aqua-gateway init" in said
    assert load(path).gateway_id == "hall-1"
    assert path.stat().st_mode & 0o777 == 0o640


def test_where_nothing_can_be_written_it_says_how_to_begin(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(tmp_path / "no" / "folder" / "gateway.toml")]) == 2
    assert "aqua-gateway init" in capsys.readouterr().err


def test_the_example_has_the_brokers_password_where_there_is_one(tmp_path: Path) -> None:
    assert '\nusername = "gateway"\n' in example(True)
    assert '\nusername = "gateway"\n' not in example(False)
    (tmp_path / BROKER_PASSWORD).touch(0o600)
    (tmp_path / BROKER_PASSWORD).write_text("shoal")
    write_example(tmp_path / "gateway.toml")
    assert load(tmp_path / "gateway.toml").mqtt.username == "gateway"


def test_a_configuration_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text("[gateway]\n")
    with pytest.raises(FileExistsError):
        write_example(path)
    with pytest.raises(ConfigError):
        load(path)
    assert main(["run", str(path)]) == 2
    assert path.read_text() == "[gateway]\n"
