"""A file of the archive under power cuts, damage, lost acknowledgements and full disks."""

import gzip
import json
import resource
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_sync.contract.record import Record
from cloud_sync.contract.records import record
from cloud_sync.uplink.day_file import DayFile, PackedRecords
from cloud_sync.uplink.gzip_members import Member, walk
from tests.cloud_sync.things import GATEWAY, NOON_US, reading, records


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "2026-11-23.jsonl.gz"


def append(path: Path, batch: Sequence[Record]) -> None:
    """As after a restart: nothing is remembered."""
    DayFile(path, 6).append(PackedRecords.of(batch, 6))


def sequences(path: Path) -> list[int]:
    return [json.loads(line)["metadata"]["sequence"] for line in gzip.decompress(path.read_bytes()).splitlines()]


def members(path: Path) -> list[Member]:
    with path.open("rb") as file:
        return walk(file)


def set_aside(path: Path) -> list[Path]:
    return sorted(path.parent.glob("*.damaged-*"))


@contextmanager
def full_disk(most_bytes: int) -> Iterator[None]:
    """No file may grow beyond `most_bytes`: a write is cut short there and the next one fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_any_gzip_reader_reads_a_growing_file(path: Path) -> None:
    file = DayFile(path, 6)
    for first in (1, 11, 21):
        file.append(PackedRecords.of(records(first, first + 9), 6))
        text = subprocess.run(["gzip", "-dc", path], capture_output=True, check=True).stdout
        assert [json.loads(line)["metadata"]["sequence"] for line in text.splitlines()] == list(range(1, first + 10))


def test_a_power_cut_at_any_byte_of_an_append_loses_and_doubles_nothing(path: Path) -> None:
    append(path, records(1, 5))
    before = path.stat().st_size
    append(path, records(6, 10))
    whole = path.read_bytes()
    for cut in range(before, len(whole)):
        for tail in (b"", bytes(len(whole) - cut)):
            path.write_bytes(whole[:cut] + tail)
            append(path, records(6, 12))
            assert sequences(path) == list(range(1, 13)), f"cut at {cut}"
            for aside in set_aside(path):
                aside.unlink()


def test_a_power_cut_at_any_byte_of_the_first_append(path: Path) -> None:
    append(path, records(1, 3))
    whole = path.read_bytes()
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        append(path, records(1, 3))
        assert sequences(path) == [1, 2, 3], f"cut at {cut}"
    assert set_aside(path) == []


def test_a_batch_sent_again_with_more_is_not_written_twice(path: Path) -> None:
    for last in (500, 500, 600, 700):
        append(path, records(1, last))
    append(path, records(650, 710))
    assert sequences(path) == list(range(1, 711))
    assert len(members(path)) == 4


def test_a_new_store_that_counts_from_the_start_again_loses_nothing(path: Path) -> None:
    append(path, records(1, 20))
    again = [record(reading(seq, NOON_US + 10_000_000 + seq), GATEWAY) for seq in range(1, 21)]
    append(path, again)
    append(path, again)
    assert sequences(path) == [*range(1, 21), *range(1, 21)]


@settings(max_examples=60)
@given(sends=st.lists(st.tuples(st.integers(1, 30), st.integers(0, 20)), min_size=1, max_size=12))
def test_whatever_is_sent_again_every_record_is_there_once(
    tmp_path_factory: pytest.TempPathFactory, sends: list[tuple[int, int]]
) -> None:
    path = tmp_path_factory.mktemp("archive") / "2026-11-23.jsonl.gz"
    for first, more in sends:
        append(path, records(first, first + more))
    sent = {seq for first, more in sends for seq in range(first, first + more + 1)}
    assert sorted(sequences(path)) == sorted(sent)


@pytest.mark.parametrize(
    "content",
    [b"time,value\n1,2\n", gzip.compress(b"somebody else's"), b"\x1f\x8b\x08\x00", b"\0" * 100 + b"x"],
    ids=["text", "other gzip", "other gzip, torn", "zeros and a letter"],
)
def test_a_foreign_file_is_set_aside(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    append(path, records(1, 3))
    assert sequences(path) == [1, 2, 3]
    assert [aside.read_bytes() for aside in set_aside(path)] == [content]


def test_damage_in_the_middle_sets_the_file_aside_with_all_that_is_in_it(path: Path) -> None:
    for seq in (1, 2, 3):
        append(path, records(seq, seq))
    damaged = bytearray(path.read_bytes())
    damaged[members(path)[1].offset + 12] ^= 0xFF
    path.write_bytes(damaged)
    append(path, records(4, 4))
    assert sequences(path) == [4]
    assert [aside.read_bytes() for aside in set_aside(path)] == [damaged]


def test_a_rotten_last_member_is_kept_beside_the_file(path: Path) -> None:
    append(path, records(1, 3))
    append(path, records(4, 6))
    rotten = bytearray(path.read_bytes())
    last = members(path)[-1]
    rotten[last.end - 12] ^= 0xFF
    path.write_bytes(rotten)
    append(path, records(7, 8))
    assert sequences(path) == [1, 2, 3, 7, 8]
    assert [aside.read_bytes() for aside in set_aside(path)] == [rotten[last.offset :]]


def test_a_full_disk_leaves_the_file_as_it_was(path: Path) -> None:
    file = DayFile(path, 6)
    file.append(PackedRecords.of(records(1, 5), 6))
    before = path.read_bytes()
    for room in (0, 1, 50, 200):
        with full_disk(len(before) + room), pytest.raises(OSError):
            file.append(PackedRecords.of(records(6, 200), 6))
        assert path.read_bytes() == before
    file.append(PackedRecords.of(records(6, 200), 6))
    assert sequences(path) == list(range(1, 201))


def test_a_file_deleted_or_replaced_while_running_is_noticed(path: Path) -> None:
    file = DayFile(path, 6)
    file.append(PackedRecords.of(records(1, 5), 6))
    path.unlink()
    file.append(PackedRecords.of(records(6, 7), 6))
    assert sequences(path) == [6, 7]
    path.write_bytes(b"")
    file.append(PackedRecords.of(records(8, 9), 6))
    assert sequences(path) == [8, 9]
