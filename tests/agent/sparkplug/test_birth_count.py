"""bdSeq goes up with every connection, over restarts too."""

from pathlib import Path

import pytest

from agent.feed.sparkplug.birth_count import BirthCount


async def test_it_begins_with_0_and_goes_on_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "state" / "sparkplug.bdseq"
    count = BirthCount(path)
    assert [await count.next() for _ in range(3)] == [0, 1, 2]
    assert await BirthCount(path).next() == 3


@pytest.mark.parametrize(("noted", "then"), [("254", 255), ("255", 0), ("", 0), ("nonsense", 0), ("300", 45)])
async def test_after_255_comes_0_and_what_is_no_count_begins_anew(tmp_path: Path, noted: str, then: int) -> None:
    path = tmp_path / "sparkplug.bdseq"
    path.write_text(noted)
    assert await BirthCount(path).next() == then


async def test_where_it_cannot_be_noted_it_goes_up_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    count = BirthCount(tmp_path / "file" / "sparkplug.bdseq")
    assert [await count.next() for _ in range(2)] == [0, 1]
    assert "cannot note its birth count" in caplog.text
