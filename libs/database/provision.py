"""A database and two roles for a service, made by an administrator.

`<svc>_migrator` owns the database and everything its migrations make; `<svc>_app` reads and writes rows and
nothing else; nobody else may connect. Repeatable: a second run sets the passwords and repairs the grants.
"""

import base64
import hashlib
import hmac
import re
import secrets
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

CONNECT_TIMEOUT_SECONDS = 10.0
COMMAND_TIMEOUT_SECONDS = 60.0
# Two runs at once would fail with "tuple concurrently updated"; roles belong to the whole server. The lock is one of
# the database that `admin_dsn` names: administrators who start from different ones do not see each other's.
ADVISORY_LOCK_KEY = int.from_bytes(b"provide", "big")
# Used where the server has them; migrations of a service may not ask for others.
EXTENSIONS = ("pg_trgm", "unaccent")
SERVICE_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")
# PostgreSQL's own default (RFC 7677 asks for at least 4096).
SCRAM_ITERATIONS = 4096


async def provision(
    admin_dsn: str, service: str, *, migrator_password: str, app_password: str, database: str | None = None
) -> None:
    """Create or repair the database and the roles of `service`; `database` defaults to the service's name.

    `admin_dsn` is a role that may create databases and roles; a superuser is not needed where the server
    lets an ordinary role create the extensions. Raises ValueError on a name or password that cannot be used.
    """
    if not SERVICE_NAME.fullmatch(service):
        raise ValueError(f"not a service name: {service!r}")
    name = database or service
    admin = await _connect(admin_dsn)
    try:
        await admin.execute("SELECT pg_advisory_lock($1)", ADVISORY_LOCK_KEY)
        await _role(admin, f"{service}_migrator", migrator_password)
        await _role(admin, f"{service}_app", app_password)
        await _database(admin, name, owner=f"{service}_migrator")
        await restrict_connections(admin, name, service)
        # Still under the lock: "IF NOT EXISTS" does not keep two runs from making the same extension at once.
        inside = await _connect(dsn_for(admin_dsn, database=name))
        try:
            await _contents(inside, service)
        finally:
            await inside.close(timeout=CONNECT_TIMEOUT_SECONDS)
    finally:
        await admin.close(timeout=CONNECT_TIMEOUT_SECONDS)


async def restrict_connections(admin: asyncpg.Connection, database: str, service: str) -> None:
    """Let only the two roles of `service` into `database`. A copy of a template needs it again."""
    await _run(admin, "REVOKE ALL ON DATABASE %I FROM PUBLIC", database)
    await _run(admin, "GRANT CONNECT ON DATABASE %I TO %I", database, f"{service}_app")


def dsn_for(
    dsn: str, *, database: str | None = None, user: str | None = None, password: str | None = None
) -> str:
    """Return `dsn` with another database, or another user and password; host, port and options stay."""
    parts = urlsplit(dsn)
    netloc = parts.netloc
    if user is not None:
        host = netloc.rpartition("@")[2]
        secret = "" if password is None else f":{quote(password, safe='')}"
        netloc = f"{quote(user, safe='')}{secret}@{host}"
    path = parts.path if database is None else f"/{quote(database, safe='')}"
    return urlunsplit((parts.scheme, netloc, path, parts.query, parts.fragment))


def scram_verifier(password: str, salt: bytes) -> str:
    """What PostgreSQL stores for a password (RFC 5803), so that the password itself is in no server log.

    Only printable ASCII: other characters need SASLprep (RFC 4013), and these passwords are generated.
    Raises ValueError otherwise.
    """
    if not password or not password.isascii() or not password.isprintable():
        raise ValueError("a password must be printable ASCII and not empty")
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, SCRAM_ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    encoded = [base64.b64encode(part).decode() for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${SCRAM_ITERATIONS}:{encoded[0]}${encoded[1]}:{encoded[2]}"


async def _connect(dsn: str) -> asyncpg.Connection:
    return await asyncpg.connect(
        dsn,
        timeout=CONNECT_TIMEOUT_SECONDS,
        command_timeout=COMMAND_TIMEOUT_SECONDS,
        server_settings={
            "application_name": "provision",
            "client_min_messages": "warning",
            "lock_timeout": str(round(COMMAND_TIMEOUT_SECONDS * 1000)),
        },
    )


async def _run(connection: asyncpg.Connection, template: str, *names: str) -> None:
    """Run a statement that takes no parameters: %I and %L are quoted by the server's own format()."""
    statement = await connection.fetchval("SELECT format($1, VARIADIC $2::text[])", template, names)
    await connection.execute(statement)


async def _role(admin: asyncpg.Connection, role: str, password: str) -> None:
    if await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role) is None:
        await _run(admin, "CREATE ROLE %I", role)
    await _run(
        admin, "ALTER ROLE %I LOGIN PASSWORD %L", role, scram_verifier(password, secrets.token_bytes(16))
    )
    # Only a member of a role may hand it a database or set its default privileges; a superuser is above that.
    if not await admin.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
        await _run(admin, "GRANT %I TO CURRENT_USER", role)


async def _database(admin: asyncpg.Connection, name: str, *, owner: str) -> None:
    if await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name) is None:
        # template0: nobody may be connected to it, and it holds nothing a local template1 was given.
        await _run(admin, "CREATE DATABASE %I OWNER %I TEMPLATE template0 ENCODING 'UTF8'", name, owner)
    await _run(admin, "ALTER DATABASE %I OWNER TO %I", name, owner)


async def _contents(inside: asyncpg.Connection, service: str) -> None:
    migrator, app = f"{service}_migrator", f"{service}_app"
    available = await inside.fetch(
        "SELECT name FROM pg_available_extensions WHERE name = ANY($1::text[]) AND installed_version IS NULL",
        EXTENSIONS,
    )
    for row in available:
        await _run(inside, "CREATE EXTENSION IF NOT EXISTS %I", row["name"])
    await _run(inside, "GRANT USAGE ON SCHEMA public TO %I", app)
    for what, privileges in (
        ("SCHEMAS", "USAGE"),
        ("TABLES", "SELECT, INSERT, UPDATE, DELETE"),
        ("SEQUENCES", "USAGE, SELECT"),
    ):
        await _run(
            inside, f"ALTER DEFAULT PRIVILEGES FOR ROLE %I GRANT {privileges} ON {what} TO %I", migrator, app
        )
