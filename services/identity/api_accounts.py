"""HTTP of identity: administrators add accounts, disable them and give them new starts."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from libs.database.transactions import Transactions
from libs.http.auth import Actor, require
from libs.http.bodies import MsgspecResponse, answers, body, read_body
from libs.http.idempotency import REPLAYED, Answer, once
from libs.http.problems import Problem
from services.identity import administration, store
from services.identity.administration import Directory
from services.identity.domain import ACCOUNT_ADMIN, ADMINISTERING, OPERATOR, Account
from services.identity.passwords import Passwords, one_time_password
from services.identity.views import (
    AccountBody,
    AccountEvent,
    AccountPage,
    AccountView,
    AccountWithPassword,
    account_view,
)

ADMINISTRATOR = require(OPERATOR, ACCOUNT_ADMIN, kinds=("officer",))
PAGE_MAX = 200
Deed = Callable[[Any, Account], Awaitable[None]]


def build_router(transactions: Transactions, passwords: Passwords, directory: Directory) -> APIRouter:
    """All of it, for operators; administrators of accounts have their own agency's."""
    router = APIRouter(tags=["accounts"])
    _add_reading(router, transactions)
    _add_deeds(router, transactions, passwords)

    @router.post("/accounts", openapi_extra=body(AccountBody, answers={201: AccountWithPassword}))
    async def add(request: Request, actor: Annotated[Actor, Depends(ADMINISTRATOR)]) -> Response:
        """A new account with a one-time password, told once."""
        new = (await read_body(request, AccountBody)).new
        beyond = new.agency != actor.agency or new.partner or ADMINISTERING & set(new.roles)
        if OPERATOR not in actor.roles and beyond:
            raise Problem(403)
        # What is wrong with the account is said before a hash is made for it.
        directory.account(new, "")
        password = one_time_password()
        account = directory.account(new, await passwords.hash(password))

        async def work(conn: Any) -> Answer:
            await administration.add(conn, account, actor=actor.subject)
            return Answer(201, AccountWithPassword(account=account_view(account), one_time_password=None))

        return _with_password(await once(request, actor, transactions, work), account, password)

    return router


def _add_reading(router: APIRouter, transactions: Transactions) -> None:
    @router.get("/accounts", openapi_extra=answers({200: AccountPage}))
    async def accounts(
        actor: Annotated[Actor, Depends(ADMINISTRATOR)],
        *,
        after: Annotated[str, Query(max_length=100)] = "",
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 50,
    ) -> Response:
        """Accounts by login."""
        async with transactions.transaction() as conn:
            found = await store.accounts(conn, _scope(actor), after, limit)
        views = [account_view(account) for account in found]
        return MsgspecResponse(
            AccountPage(accounts=views, next=views[-1].login if len(views) == limit else None)
        )

    @router.get("/accounts/{login}/events", openapi_extra=answers({200: list[AccountEvent]}))
    async def events(
        login: str,
        actor: Annotated[Actor, Depends(ADMINISTRATOR)],
        *,
        before: Annotated[int, Query(ge=1, le=2**63 - 1)] = 2**63 - 1,
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 50,
    ) -> Response:
        """What happened to an account, newest first."""
        async with transactions.transaction() as conn:
            account = await _found(conn, actor, login)
            rows = await store.events_of(conn, account.id, before, limit)
        return MsgspecResponse(
            [
                AccountEvent(
                    number=row["id"],
                    at=row["at"],
                    what=row["what"],
                    actor=row["actor"],
                    address=row["address"],
                )
                for row in rows
            ]
        )


def _add_deeds(router: APIRouter, transactions: Transactions, passwords: Passwords) -> None:
    async def do(request: Request, actor: Actor, login: str, deed: Deed) -> Response:
        async def work(conn: Any) -> Answer:
            account = await _changeable(conn, actor, login)
            await deed(conn, account)
            changed = await store.find(conn, account.login)
            return Answer(200, account_view(changed or account))

        return await once(request, actor, transactions, work)

    @router.post("/accounts/{login}/disable", openapi_extra=answers({200: AccountView}))
    async def disable(
        request: Request, login: str, actor: Annotated[Actor, Depends(ADMINISTRATOR)]
    ) -> Response:
        """End every session, and let nobody in; tokens given before end within a minute."""
        return await do(
            request, actor, login, lambda c, account: administration.disable(c, account, actor=actor.subject)
        )

    @router.post("/accounts/{login}/enable", openapi_extra=answers({200: AccountView}))
    async def enable(
        request: Request, login: str, actor: Annotated[Actor, Depends(ADMINISTRATOR)]
    ) -> Response:
        """Let the person in again, and forget failures."""
        return await do(
            request, actor, login, lambda c, account: administration.enable(c, account, actor=actor.subject)
        )

    @router.post("/accounts/{login}/reset-totp", openapi_extra=answers({200: AccountView}))
    async def reset_totp(
        request: Request, login: str, actor: Annotated[Actor, Depends(ADMINISTRATOR)]
    ) -> Response:
        """Take the second factor away; whoever needs one enrols again at the next sign-in."""
        return await do(
            request,
            actor,
            login,
            lambda c, account: administration.reset_second_factor(c, account, actor=actor.subject),
        )

    @router.post("/accounts/{login}/reset-password", openapi_extra=answers({200: AccountWithPassword}))
    async def reset_password(
        request: Request, login: str, actor: Annotated[Actor, Depends(ADMINISTRATOR)]
    ) -> Response:
        """A one-time password, told once and to be changed at the next sign-in."""
        password = one_time_password()
        hashed = await passwords.hash(password)
        done: list[Account] = []

        async def work(conn: Any) -> Answer:
            account = await _changeable(conn, actor, login)
            await administration.reset_password(conn, account, hashed, actor=actor.subject)
            changed = await store.find(conn, account.login) or account
            done.append(changed)
            return Answer(200, AccountWithPassword(account=account_view(changed), one_time_password=None))

        response = await once(request, actor, transactions, work)
        return _with_password(response, done[-1], password) if done else response


def _with_password(response: Response, account: Account, password: str) -> Response:
    """The answer with the password in it, which the stored answer has not: that would keep it for a month."""
    if REPLAYED in response.headers:
        return response
    content = AccountWithPassword(account=account_view(account), one_time_password=password)
    return MsgspecResponse(content, response.status_code)


def _scope(actor: Actor) -> str | None:
    """The agency whose accounts the actor may see; None: all."""
    return None if OPERATOR in actor.roles else actor.agency


async def _found(conn: Any, actor: Actor, login: str, *, lock: bool = False) -> Account:
    """The account, if the actor may see it. Raises Problem 404, the same for what is another agency's."""
    account = await store.find(conn, login, lock=lock)
    if account is None or _scope(actor) not in (None, account.agency):
        raise Problem(404, "account-not-found", "Không tìm thấy tài khoản")
    return account


async def _changeable(conn: Any, actor: Actor, login: str) -> Account:
    """The account, if the actor may change it. Raises Problem 403 for one that has more rights, 409 for one's own."""
    account = await _found(conn, actor, login, lock=True)
    if account.login == actor.subject:
        raise Problem(409, "own-account", "Không thể tự thay đổi tài khoản của chính mình tại đây")
    if OPERATOR not in actor.roles and ADMINISTERING & set(account.roles):
        raise Problem(403)
    return account
