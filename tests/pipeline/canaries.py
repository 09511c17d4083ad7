"""Canaries: people who exist nowhere else, and every way their names and numbers could have been written down."""

import base64
import gzip
import json
import zlib
from collections.abc import Iterable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import quote

import asyncpg
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from deploy.local.city import City
from deploy.local.ports import LOOPBACK
from libs.catalogue.folding import fold

# What → how it reads. Well-formed, so that it passes every rule, and found nowhere in our own words.
CANARIES: Mapping[str, str] = {
    "mother": "Chế Khuynh Xuyến Hoàng",
    "father": "Cổ Nghiễn Thược Bằng",
    "child": "Cổ Chế Quỳnh Ngoạn",
    "registered child": "Cổ Uyển Trúc Quỳnh",
    "midwife": "Bế Nghiêm Thoa Huyên",
    "recorder": "Nông Khuê Tịnh Đoan",
    "receiver": "Lộc Thuần Khiết Dương",
    "applicant": "Giáp Thiều Quang Vĩ",
    "address": "Số 4471 hẻm Sầu Riêng Lộng Gió",
    "place of birth": "Nhà hộ sinh Bến Đò Chín Nhánh",
    "mother's number": "093191774413",
    "second mother's number": "093191774421",
    "third mother's number": "093191774438",
    "father's number": "093088553317",
    "receiver's number": "092185661327",
    "applicant's number": "079085447713",
    "child's number": "092326771347",
    "insurance number": "9317744131",
    "phone": "0918774413",
    "e-mail": "chim-hoang-yen-4471@vidu.example",
    "card number": "TE1927744130017",
    "treatment": "93016264471774413",
    "occasion": "Bằng lái thuyền hạng Kim Yến",
    "note": "Gia cảnh Sơn Ca 4471",
}
_READ_BYTES = 1 << 20


def spellings(text: str) -> set[bytes]:
    """How the text may stand in a file: as it is, folded, escaped for JSON or a URL, in hex, in base64."""
    plain = text.encode()
    found = {plain, quote(text).encode(), plain.hex().encode(), fold(text).encode(), text.upper().encode()}
    found |= {json.dumps(text)[1:-1].encode(), repr(plain)[2:-1].encode(), ascii(text)[1:-1].encode()}
    # Base64 at each of its three alignments, without the ends that depend on the neighbours.
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + plain).rstrip(b"=")
        found.add(encoded[4 if before else 0 : -1])
    return {spelling.lower() for spelling in found}


_NEEDLES = {name: spellings(text) for name, text in CANARIES.items()}


def seen_in(content: bytes) -> set[str]:
    """The canaries that occur in the bytes, in whatever spelling."""
    lowered = content.lower()
    return {name for name, needles in _NEEDLES.items() if any(needle in lowered for needle in needles)}


def seen_in_files(files: Iterable[Path]) -> dict[str, set[str]]:
    """File → canaries in it. Files that vanish while they are read (a rotated block) are passed over."""
    found: dict[str, set[str]] = {}
    for file in files:
        try:
            names = seen_in(file.read_bytes())
        except (FileNotFoundError, IsADirectoryError):
            continue
        if names:
            found[str(file)] = names
    return found


async def seen_in_tables(city: City, service: str, *, without: Iterable[str]) -> dict[str, set[str]]:
    """`service.schema.table` → canaries in any of its rows (bytea columns as bytes), but for tables in `without`."""
    found: dict[str, set[str]] = {}
    connection = await asyncpg.connect(city.dsn(service, "migrator"), timeout=10)
    try:
        tables = await connection.fetch(
            """
            SELECT n.nspname AS schema, c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
            """
        )
        for table in tables:
            name = f"{table['schema']}.{table['name']}"
            if name in without:
                continue
            rows = await connection.fetch(f'SELECT * FROM "{table["schema"]}"."{table["name"]}"')
            content = b"\n".join(_bytes(value) for row in rows for value in row.values())
            if names := seen_in(content):
                found[f"{service}.{name}"] = names
    finally:
        await connection.close()
    return found


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


class ReceivedSpan(NamedTuple):
    """A span as it was sent; `links` are ids of spans."""

    service: str
    name: str
    span_id: bytes
    links: list[bytes]


class SpanReceiver:
    """A collector of OTLP spans that keeps the bytes it is sent. `endpoint` is where to send them."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        bodies = self.bodies

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                encoding = self.headers.get("Content-Encoding", "")
                if encoding == "gzip":
                    body = gzip.decompress(body)
                elif encoding == "deflate":
                    body = zlib.decompress(body)
                bodies.append(body)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
                """Say nothing."""

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, daemon=True)
        self.endpoint = f"http://{LOOPBACK}:{self._server.server_port}/v1/traces"

    def received(self) -> list[ReceivedSpan]:
        """Every span that came so far."""
        found = []
        for body in list(self.bodies):
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                names = {each.key: each.value.string_value for each in resource.resource.attributes}
                found += [
                    ReceivedSpan(
                        names.get("service.name", ""),
                        one.name,
                        one.span_id,
                        [link.span_id for link in one.links],
                    )
                    for scope in resource.scope_spans
                    for one in scope.spans
                ]
        return found

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=10)
