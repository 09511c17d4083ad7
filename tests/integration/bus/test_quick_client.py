"""Our quicker reading of header lines is nats-py's own."""

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
