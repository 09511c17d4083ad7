"""A busy city: hospitals declare births, counters take dossiers, officers work them off, desks hand results over.

Everything is made up from a seed. Every act has one key, however often it is sent, and what an acknowledged act must
have left behind stands in the journal with it.
"""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from deploy.local.agencies import ROLES
from deploy.local.officials import COUNTER, COUNTER_2, HOSPITAL, Post
from deploy.local.sample_xml9 import Births, envelope
from libs.catalogue import Catalogue
from libs.catalogue.calendar import VIETNAM
from tests.faults.caller import Answer, Caller, NoAnswer
from tests.faults.journal import Journal
from tests.faults.record import HAND_IN, OK, Proof
from tests.pipeline.papers import birth_body, identity_of, outcome_of, receiver_of

# Shares of what is handed in; the rest are births declared once.
AGAIN_SAME_KEY, AGAIN_NEW_KEY, COPY, UPLOAD = 0.10, 0.10, 0.20, 0.08
WITHDRAWN, SUPPLEMENTED, REFUSED = 0.06, 0.10, 0.05
ASK, GIVE, REFUSE, COMPLETE = "ask", "give", "refuse", "complete"
PAUSE_SECONDS = 0.25
AT_ONCE = 8


class Settings:
    """How busy: `per_second` hand-ins, until `dossiers_max` of them."""

    def __init__(self, *, seed: int, per_second: float, dossiers_max: int) -> None:
        self.seed = seed
        self.per_second = per_second
        self.dossiers_max = dossiers_max


class Workload:
    """The people of the city. `run` until `stop`; then `finish` lets officers and desks work off what is left."""

    def __init__(
        self,
        settings: Settings,
        urls: Mapping[str, Sequence[str]],
        keys: Path,
        journal: Journal,
        catalogue: Path,
    ) -> None:
        self._settings = settings
        self._random = random.Random(settings.seed)  # noqa: S311 - made-up people need no secrecy
        self._today = datetime.now(VIETNAM).date()
        self._births = Births(settings.seed * 7 + 11, today=self._today)
        self._urls, self._keys, self._journal = urls, keys, journal
        self._numbers = 0
        self._number_of: dict[tuple[str, str], int] = {}
        self._hands = asyncio.Semaphore(AT_ONCE)
        self._handing_in: set[asyncio.Task[None]] = set()
        self.accepted = 0
        self.refused: list[str] = []
        """What was refused though nothing is wrong with it: a fault of ours or of the workload."""
        self.hand_ins = 0
        self._hospital = self._caller(HOSPITAL)
        self._counters = [self._caller(COUNTER), self._caller(COUNTER_2)]
        self._officers = [self._caller(post) for post in _posts(catalogue, self._today)]
        # What the officers decide otherwise than by completing: the first look at a dossier draws its lot.
        self._lots: dict[str, str] = {}

    def _caller(self, post: Post) -> Caller:
        return Caller(post, self._urls, self._keys, self._journal)

    async def close(self) -> None:
        """Close every connection."""
        for caller in (self._hospital, *self._counters, *self._officers):
            await caller.__aexit__(None, None, None)

    async def run(self, stop: asyncio.Event) -> None:
        """Hand in until `stop`, while officers and desks work."""
        workers = [asyncio.create_task(self._work(stop)), asyncio.create_task(self._hand_in(stop))]
        await asyncio.gather(*workers)

    async def _hand_in(self, stop: asyncio.Event) -> None:
        while not stop.is_set() and self.hand_ins < self._settings.dossiers_max:
            if len(self._handing_in) < AT_ONCE * 4:
                self.hand_ins += 1
                task = asyncio.create_task(self._one())
                self._handing_in.add(task)
                task.add_done_callback(self._handing_in.discard)
            await asyncio.sleep(self._random.expovariate(self._settings.per_second))
        if self._handing_in:
            await asyncio.wait(self._handing_in)

    async def _one(self) -> None:
        lot = self._random.random()
        # Without an answer it is journaled as unknown: it may have happened or not.
        with contextlib.suppress(NoAnswer):
            if lot < COPY:
                await self._copy()
            elif lot < COPY + UPLOAD:
                await self._upload()
            else:
                await self._birth(again=lot - COPY - UPLOAD)

    # -- handing in ------------------------------------------------------------------------------------------

    async def _birth(self, *, again: float) -> None:
        record = self._births.single()[0]
        body = birth_body(record, self._today)
        identity = identity_of(record)
        key = f"birth-{identity}"
        answer = await self._hospital.post("intake", "/births", body, key=key, identity=identity)
        self._count(answer)
        if again < AGAIN_SAME_KEY:
            await self._hospital.post("intake", "/births", body, key=key, identity=identity)
        elif again < AGAIN_SAME_KEY + AGAIN_NEW_KEY:
            await self._hospital.post("intake", "/births", body, key=f"{key}-again", identity=identity)
        elif again < AGAIN_SAME_KEY + AGAIN_NEW_KEY + WITHDRAWN and answer.ok:
            await self._withdraw(answer.content["dossier_id"])

    async def _withdraw(self, dossier: str) -> None:
        proof = Proof("intake", "intake.dossier-withdrawn.v1", "reason", "applicant-request")
        await asyncio.sleep(self._random.uniform(0, 2))
        await self._hospital.post(
            "intake",
            f"/dossiers/{dossier}/withdrawal",
            {"reason": "applicant-request"},
            key=f"withdraw-{dossier}",
            dossier_id=dossier,
            proof=proof,
        )

    async def _upload(self) -> None:
        """An XML9 file: one request, several births; each record's answer is an acknowledgement of its own."""
        records = self._births.twins()
        file = envelope([records], made_on=self._today)
        key = f"upload-{identity_of(records[0])}"
        for record in records:
            # Declared to the checker before it goes out; the upload itself is an act.
            self._journal.begin(f"{key}-{identity_of(record)}", HAND_IN, identity=identity_of(record))
        answer = await self._hospital.post("intake", "/births/xml9", file, key=key)
        if not answer.ok:
            self._count(answer)
        for record, told in zip(records, (answer.content or {}).get("records", ()), strict=False):
            if told.get("dossier_id"):
                identity = identity_of(record)
                number = self._journal.begin(f"{key}-{identity}", HAND_IN, identity=identity)
                dossier = told["dossier_id"]
                self._journal.end(number, OK, status=201, dossier_id=UUID(dossier), answer=dossier)
                self.accepted += 1

    async def _copy(self) -> None:
        self._numbers += 1
        name = f"Văn bằng số {self._settings.seed}/{self._numbers}"
        counter = self._random.choice(self._counters)
        body = {
            "procedure": "2.000815",
            "channel": "counter",
            "form": {
                "applicant": {
                    "name": "Phạm Văn Lâm",
                    "relation": "self",
                    "identity": {"kind": "citizen_id", "number": "079085012345"},
                    "phone": "0912345678",
                },
                "documents": [{"name": name, "pages": 1, "copies": 1}],
            },
            "components": ["original"],
        }
        answer = await counter.post("intake", "/dossiers", body, key=f"copy-{self._numbers}", identity=name)
        self._count(answer)

    def _count(self, answer: Answer) -> None:
        self.accepted += answer.ok
        if not answer.ok and answer.slug != "duplicate-birth":
            self.refused.append(f"{answer.status} {answer.slug}")

    # -- working it off --------------------------------------------------------------------------------------

    async def _work(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self.work_once()
            await asyncio.sleep(PAUSE_SECONDS)

    async def work_once(self) -> int:
        """One look of every officer and desk; returns how much there was to do."""
        jobs = [self._officer(caller) for caller in self._officers]
        jobs += [self._desk(caller) for caller in (self._hospital, *self._counters)]
        done = await asyncio.gather(*jobs)
        return sum(done)

    async def _officer(self, officer: Caller) -> int:
        page = await officer.get("routing", "/steps", limit=50)
        steps = [s for s in (page or {}).get("steps", ()) if s["state"] in ("assigned", "started")]
        await self._each(steps, lambda step: self._step(officer, step["dossier_id"], step["step"]))
        return len(steps)

    async def _each(
        self, items: Sequence[Mapping[str, Any]], work: Callable[[Mapping[str, Any]], Awaitable[None]]
    ) -> None:
        """Work on some items at once; one that gets no answer is looked at again later."""

        async def one(item: Mapping[str, Any]) -> None:
            async with self._hands:
                with contextlib.suppress(NoAnswer):
                    await work(item)

        await asyncio.gather(*(one(item) for item in items))

    async def _step(self, officer: Caller, dossier: str, step: str) -> None:
        lot = self._lots.setdefault(dossier, self._draw())
        if lot in (ASK, GIVE) and step != "certify":
            await (self._ask(officer, dossier, step) if lot == ASK else self._give(dossier))
            return
        if lot == REFUSE and step != "register_birth":
            await self._refuse(officer, dossier, step)
            return
        path = f"/cases/{dossier}/steps/{step}"
        started = Proof("routing", "routing.step-started.v1", "step", step)
        answer = await officer.post(
            "routing", f"{path}/start", {}, key=f"start-{dossier}-{step}", dossier_id=dossier, proof=started
        )
        if not answer.ok:
            return
        outcome = self._outcome(dossier, step)
        completed = Proof("routing", "routing.step-completed.v1", "step", step)
        answer = await officer.post(
            "routing",
            f"{path}/complete",
            {"outcome": outcome},
            key=f"complete-{dossier}-{step}",
            dossier_id=dossier,
            proof=completed,
        )
        if answer.status == 422:
            self.refused.append(f"{answer.status} {answer.slug} {step}")

    def _draw(self) -> str:
        lot = self._random.random()
        return ASK if lot < SUPPLEMENTED else REFUSE if lot < SUPPLEMENTED + REFUSED else COMPLETE

    async def _ask(self, officer: Caller, dossier: str, step: str) -> None:
        """Ask for a paper, once a dossier."""
        proof = Proof("routing", "routing.supplement-requested.v1", "step", step)
        answer = await officer.post(
            "routing",
            f"/cases/{dossier}/supplement-requests",
            {"step": step, "components": ["declaration"], "reason": "missing-paper"},
            key=f"ask-{dossier}",
            dossier_id=dossier,
            proof=proof,
        )
        if self._lots[dossier] == ASK:
            self._lots[dossier] = GIVE if answer.ok else COMPLETE

    async def _give(self, dossier: str) -> None:
        """The hospital hands the paper in as soon as intake has heard of the request."""
        given = await self._hospital.post(
            "intake",
            f"/dossiers/{dossier}/supplements",
            {"components": ["declaration"]},
            key=f"give-{dossier}",
            dossier_id=dossier,
            proof=Proof("intake", "intake.dossier-supplemented.v1", "request", "1"),
        )
        if given.ok or given.slug != "nothing-asked":
            self._lots[dossier] = COMPLETE

    async def _refuse(self, officer: Caller, dossier: str, step: str) -> None:
        await officer.post(
            "routing",
            f"/cases/{dossier}/refusal",
            {"step": step, "reason": "not-eligible"},
            key=f"refuse-{dossier}-{step}",
            dossier_id=dossier,
        )

    def _outcome(self, dossier: str, step: str) -> dict[str, Any]:
        """The outcome of a step, the same however often it is sent: its number is drawn once."""
        if (dossier, step) not in self._number_of:
            self._numbers += 1
            self._number_of[dossier, step] = self._numbers
        return outcome_of(step, self._number_of[dossier, step], self._today)

    # -- handing over ----------------------------------------------------------------------------------------

    async def _desk(self, desk: Caller) -> int:
        page = await desk.get("results", "/results", state=["issued", "dispatched", "ready"], limit=50)
        results = (page or {}).get("results", ())
        await self._each(results, lambda result: self._result(desk, result))
        return len(results)

    async def _result(self, desk: Caller, result: Mapping[str, Any]) -> None:
        dossier, result_id = result["dossier_id"], result["id"]
        if result["state"] != "ready":
            await desk.post(
                "results",
                f"/results/{result_id}/arrive",
                {},
                key=f"arrive-{result_id}",
                dossier_id=dossier,
                proof=Proof("results", "results.result-ready.v1", "result_id", result_id),
            )
            return
        file = await desk.get("intake", f"/dossiers/{dossier}", purpose="hand-over")
        if file is None:
            return
        await desk.post(
            "results",
            f"/dossiers/{dossier}/hand-over",
            {"results": [result_id], "receiver": receiver_of(file["file"]), "signed_on_paper": True},
            key=f"hand-{result_id}",
            dossier_id=dossier,
            proof=Proof("results", "results.result-handed-over.v1", "result_id", result_id),
        )


def _posts(catalogue: Path, today: date) -> list[Post]:
    """One officer for every agency of the two wards and their social insurance."""
    found = []
    for agency in Catalogue.load(catalogue).agencies():
        roles = tuple(role for role in agency.roles if role in ROLES)
        if roles and agency.in_force(today) and ({"31340", "31411"} & set(agency.units)):
            found.append(Post(subject=f"can-bo-{agency.code}", agency=agency.code, roles=roles))
    return found
