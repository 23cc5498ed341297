"""The model of the disk against a real folder, and the few things a power cut can do, one by one."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.power.disk import SIZE, Disk, Version
from tests.power.operations import Open, Operation, Remove, Rename, Reserve, Resize, Sync, Write

NAMES = st.sampled_from("abc")
OPERATIONS = st.one_of(
    st.builds(Open, NAMES),
    st.builds(Write, NAMES, st.none() | st.integers(0, 3000), st.binary(min_size=1, max_size=1500)),
    st.builds(Resize, NAMES, st.integers(0, 3000)),
    st.builds(Reserve, NAMES, st.integers(1, 3000)),
    st.builds(Rename, NAMES, NAMES),
    st.builds(Remove, NAMES),
)


def do(operation: Operation, folder: Path) -> bool:
    """For real; False when there is no such file."""
    match operation:
        case Open(name):
            (folder / name).touch()
            return True
        case Write(name, offset, data) if (folder / name).exists():
            with (folder / name).open("r+b") as file:
                file.seek(0, os.SEEK_END) if offset is None else file.seek(offset)
                file.write(data)
            return True
        case Resize(name, size) if (folder / name).exists():
            os.truncate(folder / name, size)
            return True
        case Reserve(name, size) if (folder / name).exists():
            with (folder / name).open("r+b") as file:
                os.posix_fallocate(file.fileno(), 0, size)
            return True
        case Rename(old, new) if (folder / old).exists() and old != new:
            (folder / old).rename(folder / new)
            return True
        case Remove(name) if (folder / name).exists():
            (folder / name).unlink()
            return True
    return False


def after(operations: Sequence[Operation]) -> Disk:
    disk = Disk()
    for operation in operations:
        disk.apply(operation)
    return disk


def left(disk: Disk, *arrived: Version) -> dict[str, bytes]:
    return {name: b"".join(sectors) for name, sectors in disk.after_cut(set(arrived)).items()}


@given(st.lists(OPERATIONS, max_size=30))
def test_what_has_all_arrived_or_all_been_synced_is_what_the_files_hold(wanted: list[Operation]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        done = [operation for operation in wanted if do(operation, Path(folder))]
        real = {path.name: path.read_bytes() for path in Path(folder).iterdir()}
    disk = after(done)
    assert left(disk, *disk.pending()) == real
    for name in ["", *real]:
        disk.apply(Sync(name, len(done)))
    assert left(disk) == real


BEGUN = (Open("a"), Write("a", 0, b"x" * 1024), Sync("a", 2), Sync("", 2))


def test_what_was_not_synced_need_not_be_there() -> None:
    assert left(after(BEGUN[:2])) == {}
    assert left(after(BEGUN[:3])) == {}
    assert left(after([*BEGUN[:2], Sync("", 2)])) == {"a": b""}
    assert left(after(BEGUN)) == {"a": b"x" * 1024}


def test_a_write_arrives_sector_by_sector() -> None:
    disk = after([*BEGUN, Write("a", 0, b"y" * 1024)])
    first, second = disk.pending()
    assert left(disk, first) == {"a": b"y" * 512 + b"x" * 512}
    assert left(disk, second) == {"a": b"x" * 512 + b"y" * 512}


def test_a_later_write_can_arrive_without_an_earlier_one() -> None:
    disk = after([*BEGUN, Write("a", 0, b"y"), Write("a", 600, b"z")])
    assert left(disk, Version(5, "a", 1)) == {"a": b"x" * 600 + b"z" + b"x" * 423}


def test_a_sector_is_as_the_cache_had_it_some_time_since_the_last_fsync() -> None:
    disk = after([*BEGUN, Write("a", 0, b"y"), Write("a", 1, b"z")])
    found = {left(disk, *arrived)["a"][:3] for arrived in [[], disk.pending()[:1], disk.pending()[1:], disk.pending()]}
    assert found == {b"xxx", b"yxx", b"yzx"}


def test_a_file_can_have_grown_without_its_data_and_its_data_be_there_without_the_size() -> None:
    disk = after([*BEGUN, Write("a", 1024, b"y" * 512)])
    size, data = disk.pending()
    assert size.place == SIZE
    assert left(disk, size) == {"a": b"x" * 1024 + b"\0" * 512}
    assert left(disk, data) == {"a": b"x" * 1024}


def test_a_file_is_cut_off_in_one_step() -> None:
    disk = after([*BEGUN, Resize("a", 100)])
    assert left(disk) == {"a": b"x" * 1024}
    assert left(disk, *disk.pending()) == {"a": b"x" * 100}


def test_a_name_can_be_there_before_the_data() -> None:
    disk = after([*BEGUN, Open("b"), Write("b", 0, b"new"), Rename("b", "a")])
    made, size, data, renamed = disk.pending()
    assert left(disk, renamed) == {"a": b""}
    assert left(disk, renamed, size, data) == {"a": b"new"}
    assert left(disk, made, size, data) == {"a": b"x" * 1024, "b": b"new"}


def test_a_file_removed_and_made_again_is_another_one() -> None:
    disk = after([*BEGUN, Remove("a"), Open("a"), Write("a", 0, b"new")])
    removed, made, size, data = disk.pending()
    assert left(disk, size, data) == {"a": b"x" * 1024}
    assert left(disk, removed) == {}
    assert left(disk, made, size, data) == {"a": b"new"}


@pytest.mark.parametrize("before", [5, 6])
def test_an_fsync_covers_what_came_before_it_began(before: int) -> None:
    disk = after([*BEGUN, Write("a", 0, b"y"), Write("a", 512, b"z"), Sync("a", before)])
    assert [one.place for one in disk.pending()] == [1][: 6 - before]
    assert left(disk)["a"][512:513] == (b"x" if before == 5 else b"z")
