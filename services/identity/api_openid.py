"""HTTP of identity: signing in at a provider of OpenID Connect, for the portal only."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from libs.database.transactions import Transactions
from libs.http.auth import Actor
from libs.http.bodies import MsgspecResponse, body, read_body
from libs.http.problems import FieldError, Problem
from libs.telemetry.logs import log
from services.identity import openid_store, refusals, store
from services.identity.api import PORTAL, checked_address
from services.identity.domain import Account
from services.identity.openid import EMAIL, USERNAME, OpenIdFailed, Person, Provider, is_local_path
from services.identity.sealing import hash_of, new_token
from services.identity.signing_in import SignIn
from services.identity.views import OpenIdFinish, OpenIdStanding, OpenIdStart, OpenIdUrl

# Long enough for a person to find their telephone at the provider's.
REQUEST_LIFE = timedelta(minutes=10)


def build_router(transactions: Transactions, sign_in: SignIn, provider: Provider | None) -> APIRouter:
    """Both halves of the way; without a provider they are not there (404)."""
    router = APIRouter(tags=["openid"], prefix="")

    @router.post("/openid/start", openapi_extra=body(OpenIdStart, answers={200: OpenIdUrl}))
    async def start(request: Request, _: Annotated[Actor, Depends(PORTAL)]) -> Response:
        """Where to send the browser."""
        given, there = await read_body(request, OpenIdStart), _existing(provider)
        if not is_local_path(given.return_to):
            raise Problem(
                422, errors=[FieldError("return_to", "not-local", "Phải là đường dẫn trong trang này")]
            )
        state, nonce, verifier = new_token(), new_token(), new_token()
        try:
            url = await there.url(state=state, nonce=nonce, verifier=verifier)
        except OpenIdFailed as failed:
            raise _away(failed) from None
        async with transactions.transaction() as conn:
            await openid_store.keep_request(
                conn, hash_of(state), nonce, verifier, given.return_to, REQUEST_LIFE
            )
        return MsgspecResponse(OpenIdUrl(url=url, state=state))

    @router.post("/openid/finish", openapi_extra=body(OpenIdFinish, answers={200: OpenIdStanding}))
    async def finish(request: Request, _: Annotated[Actor, Depends(PORTAL)]) -> Response:
        """The browser came back: a session for the account the person is known as."""
        given, there = await read_body(request, OpenIdFinish), _existing(provider)
        address = checked_address(given.address) if given.address else ""
        async with transactions.transaction() as conn:
            asked = await openid_store.take_request(conn, hash_of(given.state))
        if asked is None:
            raise refusals.sign_in_again()
        try:
            person = await there.person(code=given.code, nonce=asked["nonce"], verifier=asked["verifier"])
        except OpenIdFailed as failed:
            raise _away(failed) from None
        async with transactions.transaction() as conn:
            account = await _account_of(conn, person, there.settings.link_by, address)
            if account is not None and account.disabled_at is None:
                standing = await sign_in.with_openid(conn, account, address)
                return MsgspecResponse(
                    OpenIdStanding(
                        session=standing.session, needs=standing.needs, return_to=asked["return_to"]
                    )
                )
            found = account.id if account else None
            await store.record(conn, "sign-in-failed", account_id=found, actor="", address=address)
        raise refusals.no_account()

    return router


def _existing(provider: Provider | None) -> Provider:
    if provider is None:
        raise Problem(404)
    return provider


async def _account_of(conn: Any, person: Person, link_by: str, address: str) -> Account | None:
    """The account of a person of the provider; the first time found by the claim that is set, and kept."""
    account = await openid_store.linked(conn, person.issuer, person.subject)
    if account is not None:
        return account
    if link_by == EMAIL:
        account = await openid_store.unlinked(conn, email=person.email)
    elif link_by == USERNAME:
        account = await openid_store.unlinked(conn, login=person.username)
    if account is not None and account.disabled_at is None:
        await openid_store.link(conn, account.id, person.issuer, person.subject)
        await store.record(conn, "openid-linked", account_id=account.id, actor=account.login, address=address)
    return account


def _away(failed: OpenIdFailed) -> Problem:
    """What is wrong with the provider is for the log; the person can use a password, or try again."""
    log.warning("openid-failed", reason=failed.reason)
    if failed.reason in {"provider-away", "provider-refuses"}:
        return Problem(503, "openid-unavailable", "Hệ thống đăng nhập tập trung đang gián đoạn")
    return refusals.sign_in_again()
