"""Receive webhooks: python receive.py <port> <whsec_…> [the old secret during a rotation]   (beside verify.py)"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from verify import verify

PORT, *SECRETS = sys.argv[1:]
BODY_BYTES_MAX = 1 << 20
seen: set[str] = set()  # ids that were handled; yours in a database, with what you do


class Receiver(BaseHTTPRequestHandler):
    """Listens on this machine only: before it stands a web server with TLS."""

    def do_POST(self) -> None:
        """204: handled, now or before; 400: not the gateway's. Whatever else, and the event comes again."""
        # A length below 0 would be read as "all there ever comes".
        length = max(0, min(int(self.headers.get("Content-Length") or 0), BODY_BYTES_MAX))
        body = self.rfile.read(length)  # the bytes that came, before any reading of JSON
        genuine = verify({name.lower(): value for name, value in self.headers.items()}, body, SECRETS)
        if genuine and (event := json.loads(body))["id"] not in seen:
            print(event["type"], event.get("subject"), event["id"], flush=True)
            seen.add(event["id"])
        self.send_response(204 if genuine else 400)
        self.end_headers()


ThreadingHTTPServer(("127.0.0.1", int(PORT)), Receiver).serve_forever()
