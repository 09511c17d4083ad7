"""The operator's shell: `python -m services.gateway partners …`. Each deed is audited, under its shell's account."""

import asyncio
import os
import pwd
import socket
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import asyncpg
import typer

from libs.catalogue import Catalogue
from libs.database.pool import open_pool
from libs.database.transactions import Transactions
from libs.http.auth import GATEWAY
from libs.http.problems import Problem
from libs.process.settings import SettingsError, named
from services.gateway.partners import administration, partner_store
from services.gateway.partners.administration import By
from services.gateway.partners.partner import ACTIVE, REVOKED, SUSPENDED, Partner
from services.gateway.settings import Settings
from services.gateway.straight.commands import nats_app

Deed = Callable[[Any, Settings], Awaitable[list[str]]]
Code = Annotated[str, typer.Argument(help="code of the partner")]
Types = Annotated[
    list[str],
    typer.Option(help="types of events such as results.*, with commas between them or given several times"),
]
Reads = Annotated[
    list[str],
    typer.Option(help="facility/<code>, agency/<code>, unit/<code> or *; commas as for --types"),
]
AUDIT_LINES = 20
LAST_KEY_HINT = "--last ends it all the same; `partners suspend` keeps its keys"


def partners_app(read_settings: Callable[[], Settings]) -> typer.Typer:
    """The commands. What cannot be done is one line and status 1, a wrong setting status 2."""
    app = typer.Typer(no_args_is_help=True, help="Other systems, their keys and what they may read")
    keys = typer.Typer(
        no_args_is_help=True, help="Their public keys: add the next one before retiring the old"
    )
    app.add_typer(keys, name="key")

    def do(deed: Deed) -> None:
        _do(read_settings, deed)

    app.add_typer(nats_app(do, _by), name="nats")

    @app.command("add")
    def add(
        code: Code,
        name: str,
        types: Types,
        reads: Reads,
        agency: Annotated[str, typer.Option(help="in whose name it acts, if it does")] = "",
        role: Annotated[
            list[str] | None, typer.Option(help="of that agency's; commas as for --types")
        ] = None,
        contact: Annotated[str, typer.Option(help="e-mail address of who is told of webhooks given up")] = "",
    ) -> None:
        """Add a partner."""
        partner = Partner(
            code=code,
            name_vi=name,
            contact=contact,
            agency=agency,
            roles=tuple(_each(role or [])),
            types=tuple(_each(types)),
            reads=tuple(_each(reads)),
        )
        do(_adding(partner))

    @app.command("show")
    def show(code: Code) -> None:
        """All of a partner, with its keys and what was last done."""
        do(_showing(code))

    @app.command("list")
    def list_() -> None:
        """Every partner: code, state, agency, scope, name."""
        do(_listed)

    @app.command("scope")
    def scope(code: Code, types: Types, reads: Reads) -> None:
        """What it may read from now on, instead of what it might before."""
        do(_doing(lambda conn: administration.change_scope(conn, code, _each(types), _each(reads), _by())))

    @app.command("contact")
    def contact_(
        code: Code, contact: Annotated[str, typer.Argument(help="e-mail address; empty: nobody is told")]
    ) -> None:
        """Whom to tell from now on when webhooks are given up."""
        do(_doing(lambda conn: administration.change_contact(conn, code, contact, _by())))

    @keys.command("add")
    def key_add(
        code: Code,
        file: Annotated[Path, typer.Argument(help="public key, as JWK or PEM: P-256 or Ed25519")],
        kid: str = "",
        not_after: Annotated[
            datetime | None, typer.Option(help="UTC; without it: until it is retired")
        ] = None,
    ) -> None:
        """Add a public key; prints its kid."""
        end = not_after.replace(tzinfo=UTC) if not_after else None

        async def deed(conn: Any, _settings: Settings) -> list[str]:
            written = file.read_text()
            return [await administration.add_key(conn, code, written, _by(), kid=kid, not_after=end)]

        do(deed)

    @keys.command("retire")
    def key_retire(
        code: Code,
        kid: str,
        last: Annotated[
            bool,
            typer.Option("--last", help="even if no other key counts (`suspend` lets it in no more either)"),
        ] = False,
    ) -> None:
        """End a key, and within ten seconds the tokens it has got."""
        do(_doing(lambda conn: _retire(conn, code, kid, last=last)))

    for name, state, says in (
        ("suspend", SUSPENDED, "Let it in no more until it is resumed."),
        ("resume", ACTIVE, "Let a suspended partner in again."),
        ("revoke", REVOKED, "Let it in no more, for ever."),
    ):
        app.command(name, help=says)(_state_command(do, state))
    return app


def _state_command(do: Callable[[Deed], None], state: str) -> Callable[[str], None]:
    def command(code: Code) -> None:
        do(_doing(lambda conn: administration.set_state(conn, code, state, _by())))

    return command


async def _retire(conn: Any, code: str, kid: str, *, last: bool) -> None:
    """As retire_key does it; whoever is stopped at the last key hears what goes on from here."""
    try:
        await administration.retire_key(conn, code, kid, _by(), even_last=last)
    except Problem as problem:
        if problem.slug != administration.LAST_KEY:
            raise
        raise Problem(problem.status, problem.slug, problem.title, LAST_KEY_HINT) from None


def _each(given: list[str]) -> list[str]:
    """What was given several times, or once with commas: none of these names has one."""
    return [part.strip() for text in given for part in text.split(",") if part.strip()]


def _do(read_settings: Callable[[], Settings], deed: Deed) -> None:
    try:
        for line in asyncio.run(_with_database(read_settings(), deed)):
            typer.echo(line)
    except SettingsError as error:
        typer.echo(f"{GATEWAY}: {error}", err=True)
        raise typer.Exit(2) from None
    except Problem as problem:
        errors = "; ".join(f"{each.field}: {each.message}" for each in problem.errors)
        typer.echo(". ".join(filter(None, (problem.title, problem.detail, errors))), err=True)
        raise typer.Exit(1) from None
    except FileNotFoundError as error:
        # Of a socket that is not there the name is empty.
        typer.echo(f"{error.filename or type(error).__name__}: no such file", err=True)
        raise typer.Exit(1) from None
    except (OSError, UnicodeError, asyncpg.PostgresError) as error:
        # The server's text may repeat a value; its code says enough.
        typer.echo(f"{type(error).__name__} {getattr(error, 'sqlstate', '')}", err=True)
        raise typer.Exit(1) from None


async def _with_database(settings: Settings, deed: Deed) -> list[str]:
    pool = await open_pool(settings.database_url, application_name="gateway-shell", size_max=1)
    try:
        async with Transactions(pool).transaction() as conn:
            return await deed(conn, settings)
    finally:
        await pool.close()


def _by() -> By:
    """The account whose shell it is, and its machine."""
    return By(f"shell:{_account()}", socket.gethostname())


def _account() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        # A container may run under a number that has no name.
        return str(os.getuid())


def _doing(change: Callable[[Any], Awaitable[None]]) -> Deed:
    async def deed(conn: Any, _settings: Settings) -> list[str]:
        await change(conn)
        return []

    return deed


def _adding(partner: Partner) -> Deed:
    async def deed(conn: Any, settings: Settings) -> list[str]:
        with named("CATALOGUE"):
            catalogue = Catalogue.load(settings.catalogue)
        await administration.add(conn, administration.checked(partner, catalogue), _by())
        return []

    return deed


async def _listed(conn: Any, _settings: Settings) -> list[str]:
    return [
        "\t".join(
            (
                each.code,
                each.state,
                each.agency or "-",
                ",".join(each.types),
                ",".join(each.reads),
                each.name_vi,
            )
        )
        for each in await partner_store.listing(conn)
    ]


def _showing(code: str) -> Deed:
    async def deed(conn: Any, _settings: Settings) -> list[str]:
        partner = await administration.known(conn, code)
        lines = [
            f"code      {partner.code}",
            f"name      {partner.name_vi}",
            f"contact   {partner.contact or '-'}",
            f"state     {partner.state}",
            f"acts as   {' '.join(filter(None, (partner.agency, partner.facility, *partner.roles))) or '-'}",
            f"types     {' '.join(partner.types) or '-'}",
            f"reads     {' '.join(partner.reads) or '-'}",
        ]
        for key in partner.keys:
            end = key.retired_at or key.not_after
            lines.append(
                f"key       {key.kid} since {key.added_at:%F %T}" + (f" until {end:%F %T}" if end else "")
            )
        rows = await partner_store.audit_of(conn, code, AUDIT_LINES)
        return lines + [
            "\t".join((f"{row['at']:%F %T}", row["what"], row["detail"] or "-", row["who"], row["came_from"]))
            for row in rows
        ]

    return deed
