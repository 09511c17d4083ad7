"""nats-server's configurations for the cluster: the city's, and that of the server that partners reach.

In the city's each service is a user with exactly the rights that FLOWS gives it; in the partners' no partner is listed.
They hold no password: each is a variable that the server takes from its environment.
"""

import json

from libs.bus.permissions import USERS, configuration
from services.gateway.straight.server import configuration as configuration_of_partners

STORE_BYTES = 18 * 1024**3
MEMORY_BYTES = 64 * 1024**2
# As in deploy/local: documents and people's data never travel on the bus.
PAYLOAD_BYTES = 256 * 1024
HEADER = """\
# Written by `python -m deploy.k8s nats` from FLOWS (libs/bus/permissions.py); edit that, not this.
# A password starts with a letter: the server reads an unquoted 5k or 1e3 as a number.
"""
PARTNERS_HEADER = """\
# Written by `python -m deploy.k8s nats` from services/gateway/straight/server.py; edit that, not this.
# No partner is in it: the gateway is asked who a connection is.
"""
# Of 200 partners, several programs each.
PARTNERS_CONNECTIONS = 2000


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


def partners_configuration() -> str:
    """The text of partners-nats.conf."""
    accounts = configuration_of_partners(
        issuer="$PARTNERS_ISSUER",
        nobody="$PARTNERS_NOBODY",
        password="$PARTNERS_PASSWORD",  # noqa: S106 - a variable's name
        file_bytes_max=STORE_BYTES,
    )
    # The server knows a variable only by its not being quoted.
    said = json.dumps(accounts, indent=2)
    for name in ("PARTNERS_ISSUER", "PARTNERS_NOBODY", "PARTNERS_PASSWORD"):
        said = said.replace(f'"${name}"', f"${name}")
    return f"""{PARTNERS_HEADER}\
server_name: partners-nats
port: 4222
http_port: 8222
max_payload: {PAYLOAD_BYTES}
max_connections: {PARTNERS_CONNECTIONS}
jetstream {{
  store_dir: /data
  sync_interval: always
  max_file_store: {STORE_BYTES}
  max_memory_store: {MEMORY_BYTES}
}}
# A city's overlay adds its certificate here (README.md).
include ./tls.conf
{said[2:-2]}
"""


def _user(user: str) -> str:
    rights = configuration(user)
    lines = [f"    {{ user: {user}, password: ${password_variable(user)}, permissions: {{"]
    for verb in ("publish", "subscribe"):
        subjects = ",\n".join(f"        {json.dumps(subject)}" for subject in rights[verb]["allow"])
        lines.append(f"      {verb}: {{ allow: [\n{subjects}\n      ] }}")
    return "\n".join([*lines, "    } }"])
