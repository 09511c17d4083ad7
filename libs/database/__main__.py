"""`python -m libs.database provision SERVICE`: the service's database and roles, made by an administrator.

Reads ADMIN_DATABASE_URL, and from the service's own DATABASE_URL (`<svc>_app`) and MIGRATOR_DATABASE_URL
(`<svc>_migrator`) the passwords the roles get.
"""

import asyncio
import os
import sys
from urllib.parse import unquote, urlsplit

import asyncpg

from libs.database.provision import provision


class WrongUrl(Exception):
    """A URL is missing or is not that of the role it must be; the message names the variable, never its value."""


def password_in(url: str, variable: str, *, user: str) -> str:
    """The password of a role in its URL. Raises WrongUrl when the URL is another role's, or has none."""
    parts = urlsplit(url)
    if parts.username != user or not parts.password:
        raise WrongUrl(f"{variable} must be a URL of {user} with its password")
    return unquote(parts.password)


def _given(variable: str) -> str:
    value = os.environ.get(variable, "")
    if not value:
        raise WrongUrl(f"{variable} is missing")
    return value


def main(service: str) -> None:
    """Provision `service`. Raises WrongUrl, ValueError, asyncpg.PostgresError or OSError."""
    app, migrator = "DATABASE_URL", "MIGRATOR_DATABASE_URL"
    app_url = _given(app)
    asyncio.run(
        provision(
            _given("ADMIN_DATABASE_URL"),
            service,
            migrator_password=password_in(_given(migrator), migrator, user=f"{service}_migrator"),
            app_password=password_in(app_url, app, user=f"{service}_app"),
            database=unquote(urlsplit(app_url).path.lstrip("/")) or None,
        )
    )


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] != "provision":
        sys.exit("usage: python -m libs.database provision SERVICE")
    try:
        main(sys.argv[2])
    except (WrongUrl, ValueError) as error:
        sys.exit(str(error))
    except (asyncpg.PostgresError, OSError) as error:
        # The server's text may repeat a statement; its code says enough.
        sys.exit(f"{type(error).__name__} {getattr(error, 'sqlstate', '')}")
