"""The operator's shell: `python -m services.identity accounts …`, for the first account above all."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import asyncpg
import typer

from libs.catalogue import Catalogue
from libs.database.pool import open_pool
from libs.database.transactions import Transactions
from libs.http.auth import IDENTITY
from libs.http.problems import Problem
from libs.process.settings import SettingsError, named
from services.identity import administration, store
from services.identity.administration import Directory, NewAccount
from services.identity.domain import Account
from services.identity.passwords import Passwords, one_time_password
from services.identity.process import passwords_of
from services.identity.settings import Settings

# Who did it, in the audit.
ACTOR = "operator-shell"
Deed = Callable[[Transactions], Awaitable[list[str]]]
Login = Annotated[str, typer.Argument(help="login of the account")]


def accounts_app(read_settings: Callable[[], Settings]) -> typer.Typer:
    """The commands. What cannot be done is one line and status 1, a wrong setting status 2."""
    app = typer.Typer(no_args_is_help=True, help="Staff accounts")

    def do(deed_of: Callable[[Settings], Deed]) -> None:
        try:
            settings = read_settings()
            for line in asyncio.run(_with_database(settings, deed_of(settings))):
                typer.echo(line)
        except SettingsError as error:
            typer.echo(f"{IDENTITY}: {error}", err=True)
            raise typer.Exit(2) from None
        except Problem as problem:
            errors = "; ".join(f"{each.field}: {each.message}" for each in problem.errors)
            typer.echo(" ".join(filter(None, (problem.title, errors))), err=True)
            raise typer.Exit(1) from None
        except (OSError, asyncpg.PostgresError) as error:
            # The server's text may repeat a value; its code says enough.
            typer.echo(f"{type(error).__name__} {getattr(error, 'sqlstate', '')}", err=True)
            raise typer.Exit(1) from None

    @app.command("add")
    def add(
        login: Login,
        name: str,
        role: Annotated[list[str] | None, typer.Option(help="may be given several times")] = None,
        partner: Annotated[
            str, typer.Option(help="of which other system (gateway partners list), instead of roles")
        ] = "",
        agency: str = "",
        counter: str = "",
        email: str = "",
    ) -> None:
        """Add an account; prints its one-time password."""
        new = NewAccount(
            login=login,
            name=name,
            roles=tuple(role or ()),
            partner=partner,
            agency=agency,
            counter=counter,
            email=email,
        )
        do(lambda settings: _adding(settings, new))

    @app.command("list")
    def list_() -> None:
        """Every account: login, agency or partner, roles, state."""
        do(lambda _: _listed)

    @app.command("disable")
    def disable(login: Login) -> None:
        """End the account's sessions and let nobody in."""
        do(lambda _: _changing(login, administration.disable))

    @app.command("enable")
    def enable(login: Login) -> None:
        """Let the account in again."""
        do(lambda _: _changing(login, administration.enable))

    @app.command("reset")
    def reset(
        login: Login,
        totp: Annotated[bool, typer.Option(help="take away the second factor too")] = False,
    ) -> None:
        """A new one-time password, printed."""
        do(lambda settings: _resetting(passwords_of(settings), login, totp=totp))

    return app


async def _with_database(settings: Settings, deed: Deed) -> list[str]:
    pool = await open_pool(settings.database_url, application_name="identity-shell", size_max=1)
    try:
        return await deed(Transactions(pool))
    finally:
        await pool.close()


def _adding(settings: Settings, new: NewAccount) -> Deed:
    async def deed(transactions: Transactions) -> list[str]:
        with named("CATALOGUE"):
            directory = Directory(Catalogue.load(settings.catalogue))
        password = one_time_password()
        account = directory.account(new, await passwords_of(settings).hash(password))
        async with transactions.transaction() as conn:
            await administration.add(conn, account, actor=ACTOR)
        return [password]

    return deed


def _changing(login: str, change: Callable[..., Awaitable[None]]) -> Deed:
    async def deed(transactions: Transactions) -> list[str]:
        async with transactions.transaction() as conn:
            await change(conn, await _known(conn, login), actor=ACTOR)
        return []

    return deed


def _resetting(passwords: Passwords, login: str, *, totp: bool) -> Deed:
    async def deed(transactions: Transactions) -> list[str]:
        password = one_time_password()
        hashed = await passwords.hash(password)
        async with transactions.transaction() as conn:
            account = await _known(conn, login)
            await administration.reset_password(conn, account, hashed, actor=ACTOR)
            if totp:
                await administration.reset_second_factor(conn, account, actor=ACTOR)
        return [password]

    return deed


async def _listed(transactions: Transactions) -> list[str]:
    lines: list[str] = []
    after = ""
    while True:
        async with transactions.transaction() as conn:
            page = await store.accounts(conn, None, after, 200)
        if not page:
            return lines
        lines += [_line(account) for account in page]
        after = page[-1].login


def _line(account: Account) -> str:
    state = "disabled" if account.disabled_at else "enabled"
    factor = "totp" if account.totp_secret else "-"
    return "\t".join(
        (
            account.login,
            account.agency or account.partner or "-",
            ",".join(account.roles) or "-",
            state,
            factor,
            account.name,
        )
    )


async def _known(conn: Any, login: str) -> Account:
    account = await store.find(conn, login, lock=True)
    if account is None:
        raise Problem(404, "account-not-found", "Không tìm thấy tài khoản")
    return account
