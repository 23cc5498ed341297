"""Holes in files: what is given back is gone, the rest is where it was."""

import ctypes
import errno
from pathlib import Path
from types import SimpleNamespace

import pytest

from agent.store.salvage.holes import data, punch

BLOCK = 1 << 16  # no file system that is tested on has larger ones


def test_what_is_punched_is_given_back_and_the_rest_stays(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"a" * BLOCK + b"b" * BLOCK + b"c" * BLOCK)
    assert data(path) == [range(3 * BLOCK)]
    occupied = path.stat().st_blocks
    punch(path, BLOCK, BLOCK)
    assert path.read_bytes() == b"a" * BLOCK + bytes(BLOCK) + b"c" * BLOCK
    assert path.stat().st_blocks < occupied
    assert data(path) == [range(BLOCK), range(2 * BLOCK, 3 * BLOCK)]
    punch(path, 2 * BLOCK, BLOCK)
    assert data(path) == [range(BLOCK)]
    punch(path, 0, BLOCK)
    assert data(path) == []


def test_a_file_without_bytes_has_no_data(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert data(tmp_path / "file") == []


def test_an_error_of_the_disk_is_raised(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such device"):
        punch(Path("/dev/null"), 0, BLOCK)


@pytest.mark.parametrize("code", [errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_file_system_without_holes_keeps_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def fallocate(*_: object) -> int:
        ctypes.set_errno(code)
        return -1

    (tmp_path / "file").write_bytes(b"a" * BLOCK)
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: SimpleNamespace(fallocate=fallocate))
    punch(tmp_path / "file", 0, BLOCK)
    assert (tmp_path / "file").read_bytes() == b"a" * BLOCK
