"""The people of a test: they use the city's public API as hospitals, counters, officers and strangers do."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from datetime import datetime
from types import TracebackType
from typing import Any, Self, TypeVar
from uuid import uuid4

import asyncpg

from deploy.local.city import City
from deploy.local.officials import COUNTER, HOSPITAL, LEADER, OPERATOR, Official, Post, Refused
from deploy.local.sample_xml9 import Births
from libs.catalogue.calendar import VIETNAM
from tests.pipeline.papers import birth_body, of_the_ward, outcome_of, receiver_of

T = TypeVar("T")
POSTS = {
    "hospital": HOSPITAL,
    "counter": COUNTER,
    "civil_status": Post(
        subject="ho-tich-1", agency="civil-status-31340-2025", roles=("civil_status", "justice")
    ),
    "police": Post(
        subject="cong-an-1", agency="police-31340-2025", roles=("police_residence", "police_identity")
    ),
    "insurance": Post(subject="bhxh-1", agency="social-insurance-nga-bay-2025", roles=("social_insurance",)),
    "other_police": Post(subject="cong-an-2", agency="police-31411-2025", roles=("police_residence",)),
    "other_counter": Post(subject="mot-cua-2", agency="one-stop-31411-2025", roles=("one_stop",)),
    "leader": LEADER,
    "operator": OPERATOR,
}
WHO_DOES = {
    "register_birth": "civil_status",
    "register_residence": "police",
    "issue_insurance_card": "insurance",
    "certify": "civil_status",
}
WAIT_SECONDS = 45.0
LOOK_SECONDS = 0.1


class Town:
    """Everybody at their desks. `_numbers` are the running numbers of every register of the town."""

    def __init__(self, city: City, *, seed: int = 5) -> None:
        self.city = city
        self.today = datetime.now(VIETNAM).date()
        self.births = Births(seed, today=self.today)
        self.people: dict[str, Official] = {}
        self._numbers = seed * 1000
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for name, post in POSTS.items():
            official = Official(post, self.city.urls, self.city.keys)
            self.people[name] = await self._stack.enter_async_context(official)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    # -- acting ----------------------------------------------------------------------------------------------

    async def declare(self, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Declare a birth at the hospital (a sample of the ward unless given); returns the receipt."""
        given = body or birth_body(of_the_ward(self.births, "single")[0], self.today)
        receipt: dict[str, Any] = await self.people["hospital"].post_json("intake", "/births", given)
        return receipt

    async def start(self, dossier: str, step: str) -> dict[str, Any]:
        """Wait until the step is on its agency's desk, and begin it."""
        officer = self.people[WHO_DOES[step]]

        async def begin() -> dict[str, Any] | None:
            try:
                begun: dict[str, Any] = await officer.post_json(
                    "routing", f"/cases/{dossier}/steps/{step}/start", {}
                )
            except Refused as refused:
                if refused.status in (404, 409):
                    return None
                raise
            return begun

        return await until(begin)

    async def complete(self, dossier: str, step: str, **outcome: Any) -> dict[str, Any]:
        """Begin and complete a step; `outcome` changes the usual one."""
        await self.start(dossier, step)
        entered = self.outcome(step) | outcome
        done: dict[str, Any] = await self.people[WHO_DOES[step]].post_json(
            "routing", f"/cases/{dossier}/steps/{step}/complete", {"outcome": entered}
        )
        return done

    def outcome(self, step: str) -> dict[str, Any]:
        """What an agency enters on completing the step, with the next number of its register."""
        self._numbers += 1
        return outcome_of(step, self._numbers, self.today)

    async def settle(self, dossier: str) -> None:
        """Every agency does its step of a birth."""
        for step in ("register_birth", "register_residence", "issue_insurance_card"):
            await self.complete(dossier, step)

    async def hand_over(
        self, dossier: str, result: str, by: str = "hospital", **receiver: str
    ) -> dict[str, Any]:
        """The paper arrives at the desk and is handed to the mother (or the applicant)."""
        desk = self.people[by]
        await desk.post_json("results", f"/results/{result}/arrive", {})
        file = await desk.get("intake", f"/dossiers/{dossier}", purpose="hand-over")
        body = {
            "results": [result],
            "receiver": receiver_of(file["file"]) | receiver,
            "signed_on_paper": True,
        }
        done: dict[str, Any] = await desk.post_json("results", f"/dossiers/{dossier}/hand-over", body)
        return done

    async def post(self, who: str, service: str, path: str, body: Any, *, key: str = "") -> Any:
        """POST as somebody. Raises Refused."""
        return await self.people[who].post_json(service, path, body, key=key or str(uuid4()))

    # -- looking ---------------------------------------------------------------------------------------------

    async def case(self, dossier: str, who: str = "hospital") -> dict[str, Any]:
        """The case as somebody sees it."""
        found: dict[str, Any] = await self.people[who].get("routing", f"/cases/{dossier}")
        return found

    async def until_status(self, dossier: str, status: int) -> dict[str, Any]:
        """Wait until intake tells this national status of the dossier; returns what it tells."""

        async def look() -> dict[str, Any] | None:
            told: dict[str, Any] = await self.people["hospital"].get(
                "intake", f"/dossiers/{dossier}", purpose="check-dossier"
            )
            return told if told["status"] == status else None

        return await until(look)

    async def until_result(
        self, dossier: str, code: str, *, version: int = 1, who: str = "hospital"
    ) -> dict[str, Any]:
        """Wait until this version of a result has been issued."""

        async def look() -> dict[str, Any] | None:
            try:
                page = await self.people[who].get("results", f"/dossiers/{dossier}/results")
            except Refused as refused:
                if refused.status == 404:
                    return None
                raise
            found: list[dict[str, Any]] = page["results"]
            for result in found:
                if (result["code"], result["version"]) == (code, version) and result["state"] != "pending":
                    return result
            return None

        return await until(look)

    async def verify(self, result: str) -> dict[str, Any]:
        """What the public is told of the document; its token stands in the QR on the paper."""
        token = await self.value("results", "SELECT verify_token FROM result WHERE id = $1::uuid", result)
        told: dict[str, Any] = await self.people["hospital"].get("results", f"/verify/{token}")
        return told

    async def value(self, service: str, query: str, *arguments: Any) -> Any:
        """One value of a service's database, read as its owner."""
        connection = await asyncpg.connect(self.city.dsn(service, "migrator"), timeout=10)
        try:
            return await connection.fetchval(query, *arguments)
        finally:
            await connection.close()


async def until(look: Callable[[], Awaitable[T | None]], *, deadline_seconds: float = WAIT_SECONDS) -> T:
    """Look until there is something to see. Raises TimeoutError."""
    end = time.monotonic() + deadline_seconds
    while time.monotonic() < end:
        seen = await look()
        if seen is not None:
            return seen
        await asyncio.sleep(LOOK_SECONDS)
    raise TimeoutError(f"not seen within {deadline_seconds:g} s")


async def refusal(call: Awaitable[Any]) -> Refused:
    """The refusal a call ends with; fails when it is not refused."""
    try:
        answer = await call
    except Refused as refused:
        return refused
    raise AssertionError(f"was not refused: {answer}")
