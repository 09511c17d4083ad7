"""Server-sent events (WHATWG HTML 9.2) out of bytes as they come, in pieces of any size."""

import msgspec

# One event of the feed is a few KiB; a line without end is not kept.
LINE_BYTES_MAX = 4 << 20


class Message(msgspec.Struct, frozen=True):
    """One block. Without data it is only a place (`id`), which the feed sends as a sign of life."""

    id: str = ""
    event: str = "message"
    data: str = ""


class Parser:
    """Takes bytes, gives the messages that are whole; what was cut off at the end of a stream is dropped."""

    def __init__(self) -> None:
        self._rest = b""
        self._begun = False
        self._fields: dict[str, str] = {}

    def feed(self, content: bytes) -> list[Message]:
        """The messages completed by `content`. Raises ValueError for a line without end, or no UTF-8."""
        rest = self._rest + content
        if not self._begun and len(rest) >= 3:
            rest, self._begun = rest.removeprefix(b"\xef\xbb\xbf"), True
        # A line may end by CR LF whose LF is yet to come: that CR is kept for then.
        kept = b"\r" if rest.endswith(b"\r") else b""
        whole = rest[: len(rest) - len(kept)].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, last = whole.split(b"\n")
        self._rest = last + kept
        if len(self._rest) > LINE_BYTES_MAX:
            raise ValueError("a line of the stream has no end")
        return [message for line in lines if (message := self._line(line.decode())) is not None]

    def _line(self, line: str) -> Message | None:
        if not line:
            fields, self._fields = self._fields, {}
            return Message(**fields) if "id" in fields or "data" in fields else None
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data" and "data" in self._fields:
            self._fields["data"] += "\n" + value
        elif name in ("data", "event", "id"):
            self._fields[name] = value
        return None
