"""What commands ask of the gateway: left whole, carried out once, and never a danger to it."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from agent.domain.errors import StoreError
from agent.store.requests import Replay, Requests, folder_beside, leave


class Told:
    """Stands in for the writer: remembers what was asked for; fails with `trouble`."""

    def __init__(self) -> None:
        self.asked: list[Replay] = []
        self.trouble: str | None = None

    def replay(self, sink: str, numbers: Sequence[int] | None) -> int:
        if self.trouble:
            raise StoreError(self.trouble)
        self.asked.append(Replay(sink, numbers))
        return 3


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return folder_beside(tmp_path / "ring-buffer.sqlite")


@pytest.mark.parametrize("request_", [Replay("http", [1, 17]), Replay("Wörk/flow \udc80", None)])
def test_a_request_arrives_as_it_was_left_and_is_carried_out_once(folder: Path, request_: Replay) -> None:
    told, requests = Told(), Requests(folder)
    requests.carry_out(told.replay)
    assert told.asked == []
    leave(folder, request_)
    assert [path.suffix for path in folder.iterdir()] == [".json"]
    requests.carry_out(told.replay)
    requests.carry_out(told.replay)
    assert told.asked == [request_]
    assert list(folder.iterdir()) == []


def test_what_the_disk_does_not_take_is_tried_again(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    told, requests = Told(), Requests(folder)
    leave(folder, Replay("http", None))
    told.trouble = "disk full"
    requests.carry_out(told.replay)
    requests.carry_out(told.replay)
    assert caplog.text.count("has to wait: disk full") == 1
    told.trouble = None
    requests.carry_out(told.replay)
    assert told.asked == [Replay("http", None)]


UNREADABLE = [
    b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"sink": "http"}', b'{"sink": 1, "numbers": null}',
    b'{"sink": "http", "numbers": [1, "2"]}', b'{"sink": "http", "numbers": [true]}',
    b'{"sink": "http", "numbers": 7}', b"[" * 100_000,
]  # fmt: skip


@pytest.mark.parametrize("text", UNREADABLE, ids=range(len(UNREADABLE)))
def test_rubbish_is_set_aside_and_told_once(folder: Path, text: bytes, caplog: pytest.LogCaptureFixture) -> None:
    told, requests = Told(), Requests(folder)
    folder.mkdir()
    (folder / "a.json").write_bytes(text)
    (folder / "b.json").write_text(json.dumps({"sink": "http", "numbers": [2]}))
    (folder / "half.new").write_bytes(b'{"sink"')
    requests.carry_out(told.replay)
    requests.carry_out(told.replay)
    assert told.asked == [Replay("http", [2])]
    assert sorted(path.name for path in folder.iterdir()) == ["a.unreadable", "half.new"]
    assert caplog.text.count("a.json is no request") == 1


def test_a_request_that_cannot_be_deleted_is_not_carried_out_for_ever(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    told, requests = Told(), Requests(folder)
    leave(folder, Replay("http", None))
    monkeypatch.setattr(Path, "unlink", refuse)
    requests.carry_out(told.replay)
    requests.carry_out(told.replay)
    assert told.asked == [Replay("http", None)]
    assert "can be deleted, but not by the gateway" in caplog.text


def test_a_folder_that_is_none_ends_nothing(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder.write_text("a file")
    Requests(folder).carry_out(Told().replay)
    assert "requests cannot be looked for" in caplog.text
    with pytest.raises(StoreError, match="cannot be left"):
        leave(folder, Replay("http", None))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_root_leaves_belongs_to_the_owner_of_the_database(tmp_path: Path, folder: Path) -> None:
    os.chown(tmp_path, 1234, 1235)
    leave(folder, Replay("http", None))
    (file,) = folder.iterdir()
    owners = {(path.stat().st_uid, path.stat().st_gid) for path in (folder, file)}
    assert owners == {(1234, 1235)}
