"""Whatever somebody writes into gateway.toml, the answer is a gateway or a list of mistakes, never a stack trace."""

import tempfile
from datetime import date
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agent import config
from agent.checks import CHECKS
from agent.config import ConfigError
from tests.agent.gateway_file import Document, right, write

SCALARS = st.one_of(
    st.booleans(),
    st.integers(),
    st.sampled_from([10**400, -1, 0, 2**63]),
    st.floats(),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.dates(min_value=date(1000, 1, 1)),
    st.sampled_from(["", "http", "archive", "modbus-rtu", "tilapia", "pH", "\0", "../..", "/", "file", "https://x"]),
)
KEYS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    st.sampled_from(["file", "credential", "kind", "name", "id", "pH", "sensors", "limits", "low", *CHECKS]),
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=8,
)


def answer(document: Document) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder), document)
        try:
            assert config.load(path).gateway_id
        except ConfigError as error:
            assert error.problems
            assert "hunter2" not in str(error)


def places(value: Any, way: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The way to every entry of a document, tables and lists included."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [(*way, key) for key, _ in entries] + [
        place for key, below in entries for place in places(below, (*way, key))
    ]


PLACES = places(right())


@given(st.dictionaries(st.sampled_from([*right(), "other"]), ANYTHING))
@settings(max_examples=150)
def test_any_document_is_answered(document: Document) -> None:
    answer(document)


@given(st.lists(st.tuples(st.sampled_from(PLACES), ANYTHING), min_size=1, max_size=4))
@settings(max_examples=300)
def test_a_right_document_with_anything_anywhere_is_answered(changes: list[tuple[tuple[str | int, ...], Any]]) -> None:
    document: Any = right()
    for (*way, last), value in changes:
        place = document
        try:
            for step in way:
                place = place[step]
            place[last] = value
        except (TypeError, KeyError, IndexError):
            continue  # an earlier change took that place away
    answer(document)
