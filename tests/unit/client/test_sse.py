"""The stream's text, in whatever pieces it comes."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mot_cua.sse import LINE_BYTES_MAX, Message, Parser

STREAM = (
    'retry: 1000\n\n: a comment\nid: f-1\ndata: {"id": "Hồ sơ"}\n\nid: f-2\r\n\r\n'
    "event: ended\rdata: partner-not-active\r\rdata:one\ndata: two\n\nid: lost"
)
MESSAGES = [
    Message(id="f-1", data='{"id": "Hồ sơ"}'),
    Message(id="f-2"),
    Message(event="ended", data="partner-not-active"),
    Message(data="one\ntwo"),
]


@given(st.lists(st.integers(0, len(STREAM.encode())), max_size=12), st.booleans())
def test_pieces_of_any_size_give_the_same_messages(cuts: list[int], mark: bool) -> None:
    """Cut within a letter or between CR and LF, with or without a byte order mark; what is not ended is not given."""
    content = (b"\xef\xbb\xbf" if mark else b"") + STREAM.encode()
    places = [0, *sorted(cuts), len(content)]
    parser = Parser()
    found = [
        message for start, end in itertools.pairwise(places) for message in parser.feed(content[start:end])
    ]
    assert found == MESSAGES


def test_a_line_without_end_is_not_kept() -> None:
    """Nor is what is no UTF-8."""
    with pytest.raises(ValueError, match="no end"):
        Parser().feed(b"data: " + b"x" * LINE_BYTES_MAX)
    with pytest.raises(ValueError, match="utf-8"):
        Parser().feed(b"data: \xff\n")
