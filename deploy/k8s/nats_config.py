"""nats-server's configuration for the cluster: a user per service with exactly the rights that FLOWS gives it.

It holds no password: each is a variable that the server takes from its environment (Secret nats-passwords).
"""

import json

from libs.bus.permissions import USERS, configuration

STORE_BYTES = 18 * 1024**3
MEMORY_BYTES = 64 * 1024**2
# As in deploy/local: documents and people's data never travel on the bus.
PAYLOAD_BYTES = 256 * 1024
HEADER = """\
# Written by `python -m deploy.k8s nats` from FLOWS (libs/bus/permissions.py); edit that, not this.
# A password starts with a letter: the server reads an unquoted 5k or 1e3 as a number.
"""


def password_variable(user: str) -> str:
    """The environment variable that holds a user's password."""
    return f"{user.upper()}_PASSWORD"


def nats_configuration() -> str:
    """The text of nats.conf."""
    users = "\n".join(_user(user) for user in USERS)
    return f"""{HEADER}\
server_name: nats
port: 4222
# Probes only; no network policy lets a pod in.
http_port: 8222
max_payload: {PAYLOAD_BYTES}
jetstream {{
  store_dir: /data
  # An acknowledged event is on the disk.
  sync_interval: always
  max_file_store: {STORE_BYTES}
  max_memory_store: {MEMORY_BYTES}
}}
authorization {{
  users: [
{users}
  ]
}}
"""


def _user(user: str) -> str:
    rights = configuration(user)
    lines = [f"    {{ user: {user}, password: ${password_variable(user)}, permissions: {{"]
    for verb in ("publish", "subscribe"):
        subjects = ",\n".join(f"        {json.dumps(subject)}" for subject in rights[verb]["allow"])
        lines.append(f"      {verb}: {{ allow: [\n{subjects}\n      ] }}")
    return "\n".join([*lines, "    } }"])
