"""Is a webhook the gateway's, unchanged and of now? (Standard Webhooks; Python 3.11, nothing to install)"""

import base64
import hashlib
import hmac
import time

TOLERANCE_SECONDS = 300


def verify(headers: dict[str, str], body: bytes, secrets: list[str]) -> bool:
    """`headers` in lower case, `body` as it came; during a rotation both secrets."""
    try:
        message_id, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
        given = headers["webhook-signature"].split(" ")
        if abs(time.time() - int(timestamp)) > TOLERANCE_SECONDS:
            return False
    except (KeyError, ValueError):
        return False
    signed = f"{message_id}.{timestamp}.".encode() + body
    for secret in secrets:
        key = base64.b64decode(secret.removeprefix("whsec_"))
        digest = hmac.new(key, signed, hashlib.sha256).digest()
        expected = f"v1,{base64.b64encode(digest).decode()}"
        if any(hmac.compare_digest(expected.encode(), each.encode()) for each in given):
            return True
    return False
