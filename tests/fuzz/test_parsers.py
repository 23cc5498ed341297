"""The parsers with some thousand inputs; `make fuzz` gives each a million, led by what they make them do."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.parsers import PARSERS

# Shapes that make something of a parser, so that chance need not find them.
_LIKELY = [
    b"\x03\x04",
    b"\x07\x04",
    b"\x04\x00",
    b"\x01\x03\x02\x00\x01",
    b"\x03\x01\x02",
    b"*OK\r",
    b"7.002",
    b"0+3.14-2",
]
_inputs = st.lists(st.one_of(st.sampled_from(_LIKELY), st.binary(max_size=20)), max_size=8).map(b"".join)


@pytest.mark.parametrize("parser", PARSERS)
def test_nothing_false_is_believed_and_nothing_unexpected_raised(parser: str) -> None:
    given(_inputs)(settings(max_examples=1500, deadline=None)(PARSERS[parser]))()
