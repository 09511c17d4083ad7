"""What a program is told of its own mistake: of its token, of a parameter out of bounds, of a day there is not."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Annotated, Literal

import httpx
import pytest
import pytest_asyncio
from fastapi import Depends, FastAPI, Query
from fastapi.exceptions import RequestValidationError

from libs.http.auth import Actor, TokenSigner, TokenVerifier, require
from libs.http.bodies import Body, decode_body
from libs.http.problems import Problem, answer_invalid_parameters, answer_problem
from tests.unit.http.conftest import Keys


@pytest_asyncio.fixture
async def client(keys: Keys) -> AsyncIterator[httpx.AsyncClient]:
    """Endpoints of `intake`: for officers, with a bound on a parameter, with a list of its values."""
    app = FastAPI()
    app.state.verifier = TokenVerifier(keys.jwks, "intake")
    app.add_exception_handler(Problem, answer_problem)
    app.add_exception_handler(RequestValidationError, answer_invalid_parameters)

    @app.get("/mine")
    async def mine(actor: Annotated[Actor, Depends(require())]) -> str:
        return actor.subject

    @app.get("/some")
    async def some(limit: Annotated[int, Query(ge=1, le=500)] = 100) -> int:
        return limit

    @app.get("/in-state")
    async def in_state(state: Literal["", "pending", "delivered", "failed"] = "") -> str:
        return state

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://intake") as client:
        yield client


async def detail(client: httpx.AsyncClient, headers: dict[str, str]) -> str:
    """The detail of the 401 for these headers."""
    answer = await client.get("/mine", headers=headers)
    assert answer.status_code == 401
    assert answer.json()["type"] == "urn:mot-cua:problem:not-signed-in"
    return str(answer.json()["detail"])


async def test_a_program_learns_what_is_wrong_with_its_own_token(
    client: httpx.AsyncClient, keys: Keys
) -> None:
    """Missing, expired, for another service; whatever was forged or malformed is only not accepted."""
    old = TokenSigner(keys.identity.issuer, keys.identity._key, now=lambda: 1_000_000_000.0)
    told = {
        name: await detail(client, headers)
        for name, headers in {
            "missing": {},
            "other scheme": {"Authorization": "Basic eA=="},
            "expired": {"Authorization": f"Bearer {old.token('intake', subject='o', kind='officer')}"},
            "elsewhere": {
                "Authorization": f"Bearer {keys.identity.token('routing', subject='o', kind='officer')}"
            },
            "nonsense": {"Authorization": "Bearer a.b.c"},
            "of nobody": {"Authorization": f"Bearer {keys.identity.token('intake', kind='officer')}x"},
        }.items()
    }
    assert (
        told["missing"]
        == told["other scheme"]
        == ("Thiếu mã truy cập: tiêu đề Authorization phải là Bearer <mã>.")
    )
    assert told["expired"] == "Mã truy cập đã hết hạn."
    assert told["elsewhere"] == "Mã truy cập không dành cho dịch vụ này."
    assert told["nonsense"] == told["of nobody"] == "Mã truy cập không được chấp nhận."


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        ("0", "Giá trị phải ít nhất là 1"),
        ("501", "Giá trị không được quá 500"),
        ("x", "Tham số không hợp lệ"),
    ],
)
async def test_a_bound_is_named(client: httpx.AsyncClient, limit: str, message: str) -> None:
    """So that nobody has to guess it; the value is never repeated."""
    answer = await client.get("/some", params={"limit": limit})
    assert answer.status_code == 422
    assert [(error["field"], error["message"]) for error in answer.json()["errors"]] == [("limit", message)]


async def test_the_values_there_are_are_named(client: httpx.AsyncClient) -> None:
    """A program that asks for another state learns which there are."""
    answer = await client.get("/in-state", params={"state": "retrying"})
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["field"], error["message"]) == (
        "state",
        "Giá trị phải là một trong: pending, delivered, failed",
    )


class Child(Body, frozen=True, kw_only=True):
    """Somebody with a day of birth."""

    born: date


def test_a_day_there_is_not_is_called_a_day() -> None:
    """30 February is no wrong form of a moment."""
    with pytest.raises(Problem) as refused:
        decode_body(b'{"born": "1996-02-31"}', Child)
    assert [error.message for error in refused.value.errors] == ["Ngày không hợp lệ"]
