"""Our quicker reading of header lines is nats-py's own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nats.aio.client import Client

from libs.bus.quick_client import KNOWN, QuickClient

names = st.sampled_from(sorted(KNOWN)) | st.binary(max_size=12)
values = st.binary(max_size=30)
lines = st.builds(
    lambda name, gap, value: name + b":" + gap + value, names, st.sampled_from([b"", b" ", b"\t"]), values
)


@given(st.lists(lines | st.binary(max_size=20), max_size=12))
def test_headers_are_read_as_nats_py_reads_them(block: list[bytes]) -> None:
    """Any block of lines, also malformed, gives the same headers as the client we override."""
    raw = b"\r\n".join([*block, b"", b""])
    assert QuickClient._parse_header_lines(raw) == Client._parse_header_lines(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"ce-id: 1\r\nce-type: a.v1\r\n\r\n",
        b"ce-id: 1\r\nce-id: 2\r\n\r\n",
        b"ce-id: 1 ce-type: a.v1\r\n\r\n",
        b"ce-id:  1\r\n\r\n",
        b"ce-id: 1 \r\n\r\n",
        b"ce-id: 1\t\t\t\t",
        b"ce-id: 1\r\n \r\n\r\n",
        b"ce-id: \r\n\r\n",
        b"ce-id\r\nce-type: a.v1\r\n\r\n",
        b"ce-id: \xc3\xa1\r\n\r\n",
        b"ce-id: 1\r\n\r\nce-type: a.v1\r\n\r\n",
        b"",
    ],
)
def test_blocks_that_are_almost_as_ours_are_read_as_nats_py_reads_them(raw: bytes) -> None:
    """Twice the same name, blanks where none belong, no end, no ASCII."""
    assert QuickClient._parse_header_lines(raw) == Client._parse_header_lines(raw)
