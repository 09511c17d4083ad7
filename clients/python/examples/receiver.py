"""A receiver of webhooks to begin with: `MOT_CUA_WEBHOOK_SECRETS=whsec_… python receiver.py 8080`.

Answers 204 when an event was handled (also one that came before), 400 to what is not to be believed, 503 when it could
not handle it: then it comes again. Put it behind your web server, which has the certificate.
"""

import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from mot_cua import Event
from mot_cua.errors import MotCuaError
from mot_cua.webhooks import SeenIds, verify

BODY_BYTES_MAX = 1 << 20
WAIT_SECONDS_MAX = 10
# During a rotation both, the new one and the old, between commas.
SECRETS = os.environ["MOT_CUA_WEBHOOK_SECRETS"].split(",")
seen = SeenIds()


def handle(event: Event) -> None:
    """What your system does. Be quick, or keep the event and do it later: the gateway waits seconds, not minutes."""
    print(event.type, event.dossier_id, "test" if event.test else event.data, flush=True)


class Receiver(BaseHTTPRequestHandler):
    """One delivery after another, each in a thread of its own."""

    timeout = WAIT_SECONDS_MAX

    def do_POST(self) -> None:
        """Believe it or not, handle it once, say so."""
        self.send_response(self.judge())
        self.send_header("Content-Length", "0")
        self.end_headers()

    def judge(self) -> int:
        """The status to answer."""
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > BODY_BYTES_MAX:
            return 413
        try:
            event = verify(self.headers.items(), self.rfile.read(int(length)), SECRETS)
        except MotCuaError as refused:
            self.log_error("%s: %s", type(refused).__name__, refused)
            return 400
        if event.id in seen:
            return 204
        try:
            handle(event)
        except Exception as failure:  # noqa: BLE001 - whatever it was, the event is to come again
            self.log_error("%s was not handled: %r", event.id, failure)
            return 503
        seen.add(event.id)
        return 204


if __name__ == "__main__":
    ThreadingHTTPServer(("", int(sys.argv[1])), Receiver).serve_forever()
