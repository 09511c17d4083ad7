"""The configuration of the partners' NATS server: two accounts, no partner in it, and the gateway as the judge.

Who a connection is and what it may do, the server asks the gateway (auth callout). So a key that is added or retired
needs no change here and no reload.
"""

from typing import Any

from services.gateway.straight.places import ACCOUNT, USER

# Ends one connection by its number; the account of partners has it from the system account, for the gateway alone.
KICK = "server.{server}.kick"
_SYSTEM = "SYS"
_NOTHING = {"publish": {"deny": [">"]}, "subscribe": {"deny": [">"]}}
# How long a connection may take to prove itself, the gateway's answer included.
PROOF_SECONDS = 5


def configuration(*, issuer: str, nobody: str, password: str, file_bytes_max: int) -> dict[str, Any]:
    """The accounts and who lets in, as members of the server's configuration."""
    return {
        "accounts": {
            ACCOUNT: {
                "jetstream": {"max_file": file_bytes_max, "max_mem": 0},
                "imports": [
                    {
                        "service": {"account": _SYSTEM, "subject": "$SYS.REQ.SERVER.*.KICK"},
                        "to": KICK.format(server="*"),
                    }
                ],
                "users": [
                    {"user": USER, "password": password},
                    {"nkey": nobody, "permissions": _NOTHING},
                ],
            },
            _SYSTEM: {"exports": [{"service": "$SYS.REQ.SERVER.*.KICK", "accounts": [ACCOUNT]}]},
        },
        "system_account": _SYSTEM,
        "authorization": {
            "timeout": PROOF_SECONDS,
            "auth_callout": {"issuer": issuer, "auth_users": [USER], "account": ACCOUNT},
        },
    }
