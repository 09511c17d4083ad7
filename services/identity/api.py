"""HTTP of identity: signing in, for the portal only."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from libs.contracts.catalogue import SERVICES
from libs.http.auth import GATEWAY, IDENTITY, INTEGRATOR, Actor, TokenSigner, require
from libs.http.bodies import MsgspecResponse, answers, body, read_body
from libs.http.problems import FieldError, Problem
from services.identity.domain import Account
from services.identity.lockout import address_key
from services.identity.signing_in import Enrolment, SignIn, Standing
from services.identity.views import (
    Credentials,
    OfSession,
    OfSessionInUse,
    PasswordChange,
    SessionCode,
    SignInMethods,
    TokenAnswer,
    account_of_token,
)

# The one caller that has browsers before it; a person's password comes from nowhere else.
PORTAL = require(kinds=("service",), services=("portal",))
AUDIENCES = (*SERVICES, IDENTITY)
# With the verifiers' allowance for clocks (30 s) a disabled officer is out everywhere within a minute (ASVS 7.4.2).
TOKEN_SECONDS = 30


def checked_address(address: str) -> str:
    """The address as it was given. Raises Problem 422 when it is none."""
    try:
        address_key(address)
    except ValueError:
        raise Problem(422, errors=[FieldError("address", "invalid", "Địa chỉ mạng không hợp lệ")]) from None
    return address


def token_of(account: Account, signer: TokenSigner) -> str:
    """What speaks for a person at the services: of staff at all of them, of an integrator at the gateway only."""
    if account.partner:
        return signer.token(
            GATEWAY,
            subject=account.login,
            kind=INTEGRATOR,
            ttl_seconds=TOKEN_SECONDS,
            more={"partner": account.partner},
        )
    return signer.token(
        AUDIENCES,
        subject=account.login,
        kind="officer",
        agency=account.agency,
        roles=account.roles,
        facility=account.facility,
        ttl_seconds=TOKEN_SECONDS,
    )


def build_router(sign_in: SignIn, signer: TokenSigner, *, openid_name: str) -> APIRouter:
    """Sessions from the first password to the token; `openid_name` is the provider's, or empty."""
    router = APIRouter(tags=["sessions"])
    _add_steps(router, sign_in, openid_name)
    _add_second_factor(router, sign_in)

    @router.post("/sessions/token", openapi_extra=body(OfSessionInUse, answers={200: TokenAnswer}))
    async def token(request: Request, _: Annotated[Actor, Depends(PORTAL)]) -> Response:
        """A token for the services, in the person's name, while the session lasts and nothing is missing."""
        given = await read_body(request, OfSessionInUse)
        account = (await sign_in.complete(given.session, active=given.active)).account
        return MsgspecResponse(
            TokenAnswer(
                token=token_of(account, signer),
                expires_in_seconds=TOKEN_SECONDS,
                account=account_of_token(account),
            )
        )

    @router.post("/sessions/end", openapi_extra=body(OfSession, answers={204: None}))
    async def end(request: Request, _: Annotated[Actor, Depends(PORTAL)]) -> Response:
        """Sign out; also of a session that has ended."""
        await sign_in.end((await read_body(request, OfSession)).session)
        return Response(status_code=204)

    return router


def _add_steps(router: APIRouter, sign_in: SignIn, openid_name: str) -> None:
    @router.get("/sign-in-methods", openapi_extra=answers({200: SignInMethods}))
    async def methods(_: Annotated[Actor, Depends(PORTAL)]) -> Response:
        """What the sign-in page offers."""
        return MsgspecResponse(SignInMethods(password=True, openid=openid_name))

    @router.post("/sessions", openapi_extra=body(Credentials, answers={200: Standing}))
    async def begin(request: Request, _: Annotated[Actor, Depends(PORTAL)]) -> Response:
        """Sign in with a password."""
        given = await read_body(request, Credentials)
        address = checked_address(given.address)
        return MsgspecResponse(await sign_in.with_password(given.login, given.password, address))

    @router.post("/password", openapi_extra=body(PasswordChange, answers={200: Standing}))
    async def password(request: Request, _: Annotated[Actor, Depends(PORTAL)]) -> Response:
        """Choose another password."""
        given = await read_body(request, PasswordChange)
        return MsgspecResponse(await sign_in.change_password(given.session, given.old, given.new))


def _add_second_factor(router: APIRouter, sign_in: SignIn) -> None:
    @router.post("/sessions/second-factor", openapi_extra=body(SessionCode, answers={200: Standing}))
    async def second_factor(request: Request, _: Annotated[Actor, Depends(PORTAL)]) -> Response:
        """Show the second factor."""
        given = await read_body(request, SessionCode)
        return MsgspecResponse(await sign_in.second_factor(given.session, given.code))

    @router.post("/totp/start", openapi_extra=body(OfSession, answers={200: Enrolment}))
    async def start(request: Request, _: Annotated[Actor, Depends(PORTAL)]) -> Response:
        """A new secret for an authenticator application."""
        given = await read_body(request, OfSession)
        return MsgspecResponse(await sign_in.start_enrolment(given.session))

    @router.post("/totp/finish", openapi_extra=body(SessionCode, answers={200: Standing}))
    async def finish(request: Request, _: Annotated[Actor, Depends(PORTAL)]) -> Response:
        """The first code of the new secret."""
        given = await read_body(request, SessionCode)
        return MsgspecResponse(await sign_in.finish_enrolment(given.session, given.code))
