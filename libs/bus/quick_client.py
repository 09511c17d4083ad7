"""nats-py's client with a quicker reading of header lines.

nats-py 2.16 looks at every character of every header name, a quarter of all the time a consumer spends. The names of
our own headers and of the server's are known; only other names are read its way.
tests/integration/bus/test_quick_client.py holds both readings equal; were the method renamed in a later nats-py, this
would only be slower.
"""

from nats.aio.client import Client

_NAMES = (
    "specversion",
    "id",
    "source",
    "type",
    "subject",
    "time",
    "datacontenttype",
    "sequence",
    "causationid",
    "traceparent",
)
# The stream keeps the headers of the atomic batch a message came in (ADR-50).
_KEPT = ("Msg-Id", "Batch-Id", "Batch-Sequence", "Batch-Commit")
# What the server adds to each message that is read back, as the relay does to prove its stream (ADR-31).
_READ_BACK = ("Stream", "Subject", "Sequence", "Time-Stamp", "Num-Pending", "Last-Sequence")
KNOWN = {
    name.encode("ascii"): name
    for name in (*("Nats-" + name for name in (*_KEPT, *_READ_BACK)), *("ce-" + name for name in _NAMES))
}


class QuickClient(Client):
    """Client whose messages' headers are the same, sooner."""

    @staticmethod
    def _parse_header_lines(raw: bytes) -> dict[str, str]:
        found: dict[str, str] = {}
        for line in raw.split(b"\r\n"):
            name, colon, value = line.partition(b":")
            known = KNOWN.get(name)
            if known is not None and colon:
                found[known] = value.strip().decode("utf-8", "replace")
            elif line:
                found.update(Client._parse_header_lines(line))  # noqa: SLF001 - the method overridden
        return found
