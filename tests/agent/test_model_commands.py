"""`aqua-gateway probes …`: what models there are, and whether a file of one's own is right."""

import json
from pathlib import Path

import pytest

from agent.__main__ import main
from drivers import profile, profile_names
from tests.agent.gateway_file import right, write

LIBRARY = Path(__file__).parents[2] / "drivers" / "probes"
NOWHERE = ["--config", "/nonexistent/gateway.toml"]


def test_every_model_is_listed_with_what_is_known_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["probes", "list", "--json", *NOWHERE]) == 0
    listed = {model["name"]: model for model in json.loads(capsys.readouterr().out)["models"]}
    assert set(listed) == set(profile_names())
    renke = listed["renke-rs-ldo-n01"]
    assert renke["line"] == "4800 8N1, unit 1"
    assert [channel["name"] for channel in renke["channels"]] == ["saturation", "dissolved_oxygen", "temperature"]
    assert "91.8 %" in renke["verified"]
    for name, model in listed.items():
        assert model["unverified"] == list(getattr(profile(name), "unverified", ()))


def test_words_choose_models_and_doubts_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["probes", "list", "yosemitech", "sonde", *NOWHERE]) == 0
    out = capsys.readouterr().out
    assert "yosemitech-y4000" in out
    assert "unverified" in out
    assert "1 models" in out
    assert main(["probes", "list", "no-such-probe", *NOWHERE]) == 1


def test_models_of_ones_own_are_listed_and_a_wrong_one_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write(tmp_path, right())
    (tmp_path / "profiles").mkdir()
    own = (LIBRARY / "renke-rs-ldo-n01.toml").read_text()
    (tmp_path / "profiles" / "mine.toml").write_text(own)
    (tmp_path / "profiles" / "broken.toml").write_text(own.replace("float32", "flot32"))
    assert main(["probes", "list", "--config", str(config)]) == 0
    said = capsys.readouterr()
    assert "\nmine  Renke" in said.out
    assert "left out: broken.toml: channel[1].type = 'flot32'" in said.err


def test_a_right_file_shows_its_requests_and_what_they_take(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["probes", "check", str(LIBRARY / "ysi-odo-ct.toml")]) == 0
    out = capsys.readouterr().out
    assert "is right: ysi-odo-ct" in out
    assert "input 0x0000 to 0x0011" in out
    assert "of the line" in out


@pytest.mark.parametrize("name", [name for name in profile_names() if (LIBRARY / f"{name}.toml").exists()])
def test_every_file_of_the_library_passes(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["probes", "check", str(LIBRARY / f"{name}.toml")]) == 0


def test_a_wrong_file_shows_every_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = (LIBRARY / "renke-rs-ldo-n01.toml").read_text().replace("float32", "flot32").replace("baud", "bauds")
    (tmp_path / "mine.toml").write_text(wrong)
    assert main(["probes", "check", str(tmp_path / "mine.toml")]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    for complaint in ("mine.toml: 5 mistakes", "did you mean 'float32'?", "did you mean 'baud'?"):
        assert complaint in said.err
    assert main(["probes", "check", str(tmp_path / "absent.toml")]) == 2
