"""Whatever stands in a probe model's file: it is a model, or the error says what is wrong. Nothing else."""

import tomllib
from copy import deepcopy
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from drivers import ProfileError
from drivers.probes.profile_file import profile_of

PROBES = Path(__file__).parents[2] / "drivers" / "probes"
CONTENTS = [tomllib.loads(file.read_text()) for file in sorted(PROBES.glob("*.toml"))]
FILE = Path("mine.toml")

scalars = st.one_of(
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.booleans(),
    st.sampled_from(["", "x", "uint16", "float32", "ABCD", "input", "pH", "mg/L", "text", "\\", "(?P<a>", "0M", "%"]),
)
anything = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_leaves=6,
)


def places(content: Any, so_far: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The ways to everything in `content`."""
    if isinstance(content, dict):
        inner = list(content.items())
    elif isinstance(content, list):
        inner = list(enumerate(content))
    else:
        inner = []
    return [way for key, value in inner for way in [(*so_far, key), *places(value, (*so_far, key))]]


@given(st.data(), st.sampled_from(CONTENTS))
def test_a_file_with_anything_in_it_is_a_model_or_a_clear_error(data: st.DataObject, good: dict[str, Any]) -> None:
    content = deepcopy(good)
    for *way, key in data.draw(st.lists(st.sampled_from(places(good)), min_size=1, max_size=3)):
        table: Any = content
        try:
            for step in way:
                table = table[step]
            table[key] = data.draw(anything)
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took the place away
    try:
        profile_of(FILE, content)
    except ProfileError as error:
        assert error.problems
        assert all(problem.strip() for problem in error.problems)
