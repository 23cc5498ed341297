"""Rows out of raw pages: all that SQLite wrote, and nothing that it did not."""

import random
import shutil
import sqlite3
from contextlib import closing
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.store.salvage.catalog import tables
from agent.store.salvage.frames import FRAME_HEADER, LOG_HEADER, finished
from agent.store.salvage.pages import last_row, rows_of
from agent.store.salvage.records import varint
from tests.agent.corpus import FRAME, PAGE, Corpus, Row, build, held, opened, paged, parts, put

INTEGERS = st.integers(-(2**63), 2**63 - 1) | st.integers(-300, 300) | st.integers(-(2**49), 2**49)
KEYS = st.integers(0, 2**63 - 1) | st.integers(0, 300)
FLOATS = st.floats(allow_nan=False) | st.integers(-(2**60), 2**60).map(float)
LETTERS = st.characters(exclude_categories=["Cs"])
TEXTS = st.text(LETTERS, max_size=20) | st.builds(str.__mul__, st.text(LETTERS, max_size=9), st.integers(0, 2000))


@st.composite
def written_rows(draw: st.DrawFn) -> dict[str, list[Row]]:
    """Rows of every table, without their checksum. SQLite does not keep the sign of -0.0."""
    values = {"INTEGER": INTEGERS, "REAL": FLOATS.map(lambda value: value + 0.0), "TEXT": TEXTS}
    rows = {}
    for table in tables():
        columns = [values[kind] for kind in table.types[:-1]]
        if table.name == "readings":
            columns[4], columns[7], columns[8] = (st.none() | columns[at] for at in (4, 7, 8))
        if table.key is not None:
            columns[table.key] = KEYS
        key = slice(2 if table.name in ("cursors", "ahead") else 1)
        rows[table.name] = draw(st.lists(st.tuples(*columns), max_size=5, unique_by=itemgetter(key)))
    return rows


@settings(max_examples=60)
@given(written_rows())
def test_every_row_that_sqlite_wrote_is_decoded_as_it_was(rows: dict[str, list[Row]]) -> None:
    with TemporaryDirectory() as folder, closing(opened(Path(folder) / "one")) as connection:
        for table, some in rows.items():
            put(connection, table, some)
        expected = held(connection)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        pages = paged((Path(folder) / "one").read_bytes())
    found = [rows_of(page, lambda number: pages[number - 1]) for page in pages]
    assert repr(sorted({pair for one in found for pair in one.whole}, key=repr)) == repr(sorted(expected, key=repr))
    assert [one.damaged for one in found if one.damaged] == []


@given(st.integers(0, 2**64 - 1))
def test_a_varint_of_any_size(value: int) -> None:
    if value < 1 << 56:
        groups = [value >> shift & 0x7F for shift in range(49, -1, -7) if value >> shift or shift == 0]
        data = bytes([*(group | 0x80 for group in groups[:-1]), groups[-1]])
    else:
        data = bytes([*(value >> 8 >> shift & 0x7F | 0x80 for shift in range(49, -1, -7)), value & 0xFF])
    assert varint(b"\xff" + data + b"\x01", 1) == (value, 1 + len(data))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return build(tmp_path_factory.mktemp("corpus"), 5_000)


@pytest.fixture(scope="module")
def pages(corpus: Corpus) -> list[bytes]:
    return [page for page in paged(corpus.path.read_bytes()) if rows_of(page).whole]


def test_bit_flips_are_found_and_counted_and_never_become_rows(pages: list[bytes]) -> None:
    dice, harmless = random.Random(7), 0
    sound = [(page, rows_of(page)) for page in pages]
    for _ in range(5_000):
        page, before = dice.choice(sound)
        bit = dice.randrange(8 * 8, 8 * PAGE)  # behind the header: one flip there can hide a whole page
        harmed = bytearray(page)
        harmed[bit // 8] ^= 1 << bit % 8
        after = rows_of(bytes(harmed))
        lost = set(before.whole) - set(after.whole)
        assert set(after.whole) <= set(before.whole)
        assert len(lost) <= 1
        # What was a second copy may look like an entry of SQLite's own; its row is in the table.
        assert page[0] == 0x0A or after.damaged.total() - before.damaged.total() >= len(lost)
        harmless += not lost
    assert harmless < 2_500


def harm(page: bytearray, dice: random.Random, others: list[bytes]) -> None:
    """Overwrite a stretch with noise, zeros, or what was meant for another page; or cut the page short."""
    begin, size = dice.randrange(PAGE), dice.choice([1, 2, 16, 512, PAGE])
    other = dice.choice([dice.randbytes(PAGE), bytes(PAGE), dice.choice(others)])
    if dice.random() < 0.1:
        del page[begin:]
    page[begin : begin + size] = other[begin : begin + size]


def test_a_page_harmed_in_any_way_raises_nothing_and_invents_nothing(corpus: Corpus, pages: list[bytes]) -> None:
    dice = random.Random(8)
    for _ in range(1_500):
        page = bytearray(dice.choice(pages))
        for _ in range(dice.randrange(1, 4)):
            harm(page, dice, pages)
        newest = last_row(bytes(page))
        assert newest is None or newest in corpus.written
        assert set(rows_of(bytes(page), lambda number: dice.choice(pages)).whole) <= corpus.written


@given(st.sampled_from([b"\x02", b"\x05", b"\x0a", b"\x0d", b""]), st.binary(max_size=PAGE))
def test_noise_holds_no_row(kind: bytes, noise: bytes) -> None:
    assert rows_of(kind + noise).whole == []
    assert last_row(kind + noise) is None


def test_the_last_row_has_the_greatest_key_and_is_told_only_of_a_sound_page(pages: list[bytes]) -> None:
    tables_pages = [page for page in pages if page[0] == 0x0D and not rows_of(page).damaged]
    for page in tables_pages:
        assert last_row(page) == rows_of(page).whole[-1]
    full = next(page for page in tables_pages if int.from_bytes(page[3:5], "big") > 20)
    last = 8 + 2 * int.from_bytes(full[3:5], "big") - 2
    assert last_row(full[:last] + full[last - 2 : last] + full[last + 2 :]) is None


def test_a_chain_that_bites_its_own_tail_ends(corpus: Corpus) -> None:
    """Overflow pages that point to each other for ever."""
    pages = paged(corpus.path.read_bytes())
    long = next(page for page in pages if rows_of(page).damaged["dead_letters"])
    endless = (7).to_bytes(4, "big") + bytes(PAGE - 4)
    assert rows_of(long, lambda number: endless).damaged["dead_letters"] == rows_of(long).damaged["dead_letters"]


def test_what_counts_of_a_log_is_what_sqlite_reads(corpus: Corpus, tmp_path: Path) -> None:
    """The file with the pages of all finished frames laid over it is the database that SQLite sees."""
    log, dice = parts(corpus.path)[1].read_bytes(), random.Random(9)
    shutil.copy(corpus.path, tmp_path / "seen")
    shutil.copy(corpus.path, tmp_path / "laid")
    counts = set()
    for cut in [len(log), 0, 31, 32, *(dice.randrange(len(log)) for _ in range(20))]:
        harmed = bytearray(log[:cut])
        if cut > 32 and dice.random() < 0.5:
            harmed[dice.randrange(cut)] ^= 1 << dice.randrange(8)
        frames = [bytes(harmed[at : at + FRAME]) for at in range(LOG_HEADER, len(harmed), FRAME)]
        numbers = finished(bytes(harmed[:LOG_HEADER]), iter(frames))
        counts.add(len(numbers))
        laid = bytearray(corpus.path.read_bytes())
        for number, frame in zip(numbers, frames, strict=False):
            begin = (number - 1) * PAGE
            laid[begin:] = laid[begin:].ljust(PAGE, b"\0")
            laid[begin : begin + PAGE] = frame[FRAME_HEADER:]
        assert read(tmp_path / "laid", bytes(laid), b"") == read(
            tmp_path / "seen", corpus.path.read_bytes(), bytes(harmed)
        )
    assert len(counts) > 10


def read(path: Path, data: bytes, log: bytes) -> set[tuple[str, Row]]:
    for part, content in zip(parts(path), (data, log, b""), strict=True):
        part.unlink(missing_ok=True)
        if content:
            part.write_bytes(content)
    with closing(sqlite3.connect(path)) as connection:
        return held(connection)
