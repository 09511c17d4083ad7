"""HTTP of identity: what a colleague is called, for screens that know only a login."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from libs.database.transactions import Transactions
from libs.http.auth import Actor, require
from libs.http.bodies import MsgspecResponse, answers
from libs.http.problems import FieldError, Problem
from services.identity import store
from services.identity.views import NamedOfficer, NamedOfficers

STAFF = require(kinds=("officer",))
LOGINS_MAX = 100
# A login has at most 63 characters (administration), each followed by a comma.
LOGINS_LENGTH_MAX = LOGINS_MAX * 64


def build_router(transactions: Transactions) -> APIRouter:
    """One read for everybody who is signed in: names, and nothing that administrators alone see."""
    router = APIRouter(tags=["officers"])

    @router.get("/officers", openapi_extra=answers({200: NamedOfficers}))
    async def officers(
        _: Annotated[Actor, Depends(STAFF)],
        logins: Annotated[str, Query(min_length=1, max_length=LOGINS_LENGTH_MAX)],
    ) -> Response:
        """Names and agencies by login (at most 100, with commas between); who is unknown is absent.

        Also of accounts that were disabled since: what they did still stands in dossiers.
        """
        wanted = list(dict.fromkeys(part for one in logins.split(",") if (part := one.strip())))
        if len(wanted) > LOGINS_MAX:
            message = f"Mỗi lần hỏi nhiều nhất {LOGINS_MAX} tài khoản."
            raise Problem(422, errors=[FieldError("logins", "too-many", message)])
        async with transactions.transaction() as conn:
            rows = await store.named(conn, wanted)
        return MsgspecResponse(NamedOfficers(officers=tuple(NamedOfficer(**dict(row)) for row in rows)))

    return router
