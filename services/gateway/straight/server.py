"""The configuration of the partners' NATS server: its accounts, no partner in it, and the gateway as the judge.

Who a connection is and what it may do, the server asks the gateway (auth callout). So a key that is added or retired
needs no change here and no reload.
"""

from typing import Any

from services.gateway.straight.layout import ACCOUNT, OUTSIDE, USER, brought_outside

# Ends one connection by its number, and lists those of an account; the gateway has both from the system account.
KICK = "server.{server}.kick"
CONNECTIONS = "server.connections"
_SYSTEM = "SYS"
_KICKING, _LISTING = "$SYS.REQ.SERVER.*.KICK", "$SYS.REQ.SERVER.PING.CONNZ"
_NOTHING = {"publish": {"deny": [">"]}, "subscribe": {"deny": [">"]}}
# How long a connection may take to prove itself, the gateway's answer included.
PROOF_SECONDS = 5
# How long a request for messages may wait before the server forgets where its answers go; clients ask anew sooner.
WAITING_TIME = "10m"


def configuration(*, issuer: str, nobody: str, password: str, file_bytes_max: int) -> dict[str, Any]:
    """The accounts and who lets in, as members of the server's configuration."""
    return {
        "accounts": {
            ACCOUNT: {
                "jetstream": {"max_file": file_bytes_max, "max_mem": 0},
                "imports": [
                    {"service": {"account": _SYSTEM, "subject": _KICKING}, "to": KICK.format(server="*")},
                    {"service": {"account": _SYSTEM, "subject": _LISTING}, "to": CONNECTIONS},
                ],
                "exports": [
                    # As many answers as messages were asked for.
                    {
                        "service": subject,
                        "accounts": [OUTSIDE],
                        "response_type": "Stream",
                        "response_threshold": WAITING_TIME,
                    }
                    for subject in brought_outside()
                ],
                "users": [{"user": USER, "password": password}],
            },
            OUTSIDE: {
                "imports": [
                    {"service": {"account": ACCOUNT, "subject": subject}} for subject in brought_outside()
                ],
                "users": [{"nkey": nobody, "permissions": _NOTHING}],
            },
            _SYSTEM: {
                "exports": [{"service": subject, "accounts": [ACCOUNT]} for subject in (_KICKING, _LISTING)]
            },
        },
        "system_account": _SYSTEM,
        "authorization": {
            "timeout": PROOF_SECONDS,
            "auth_callout": {"issuer": issuer, "auth_users": [USER], "account": ACCOUNT},
        },
    }
