"""Free TCP ports on loopback. Never the well-known ones: the machine may run its own servers there."""

import itertools
import random
import socket

LOOPBACK = "127.0.0.1"
# Below Linux's range for outgoing connections (32768-60999), so that a port we remember between runs is not
# taken in passing by somebody's client connection.
FIRST, LAST = 20_000, 32_000
# Where PostgreSQL and NATS usually live (client and monitoring ports).
WELL_KNOWN = frozenset({4222, 5432, 6222, 8222})
ATTEMPTS = 200
# Each process goes through the range from a place of its own: a server takes seconds until it listens, and in them the
# same port must not be given to another.
_BEGIN = random.randrange(LAST - FIRST)  # noqa: S311 - spreads parallel runs, hides nothing
_PORTS = itertools.islice(itertools.cycle(range(FIRST, LAST)), _BEGIN, None)


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of loopback now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: connections that linger in TIME_WAIT do not hold the port, a listener does.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port(preferred: int | None = None) -> int:
    """Return `preferred` if a server can listen there, else another free port.

    Somebody may take it before the server does: the caller must be ready to ask again.
    Raises OSError when none was found in ATTEMPTS tries.
    """
    if preferred is not None and is_free(preferred):
        return preferred
    for port in itertools.islice(_PORTS, ATTEMPTS):
        if port not in WELL_KNOWN and is_free(port):
            return port
    raise OSError(f"no free port between {FIRST} and {LAST} in {ATTEMPTS} tries")
