"""The people of the bench: a hospital that declares, agencies that complete at once, the desk that hands over.

What there is to do they hear on the bus, as an agency's own system would; what they do, they do through the public API.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec

from bench.hop.bare import Bare
from bench.load.births import FACILITY, Birth
from bench.load.http import Client, expect
from libs.catalogue.insurance_numbers import child_card_end
from libs.contracts.catalogue import SERVICES
from libs.contracts.results import DossierClosed, ResultReady
from libs.contracts.routing import StepAssigned
from libs.http.auth import IDENTITY, TokenSigner

DESK = f"hospital-{FACILITY}"
TOKEN_SECONDS = 3600
BATCH_STEPS_MAX = 100
ARRIVALS_MAX = 100
RESULTS_AT_DESK = 2

_encode = msgspec.json.Encoder().encode


class Life:
    """One dossier on its way. Times are of the monotonic clock."""

    __slots__ = ("birth", "closed", "dossier_id", "ready", "received", "sent")

    def __init__(self, birth: Birth) -> None:
        self.birth = birth
        self.dossier_id = ""
        self.sent = time.perf_counter()
        self.received = 0.0
        self.ready: list[str] = []
        self.closed: asyncio.Future[float] = asyncio.get_running_loop().create_future()


class Agency:
    """The desk of one agency: steps waiting, one request under way, what comes meanwhile goes with the next."""

    def __init__(self, headers: dict[str, str]) -> None:
        self.headers = headers
        self.waiting: list[dict[str, Any]] = []
        self.busy = False


class Actor:
    """Plays everybody outside the services."""

    def __init__(self, urls: dict[str, str], keys: Path, *, gather_seconds: float = 0.0) -> None:
        """`gather_seconds`: how long an agency's system and the desk collect what goes into one request."""
        self._gather_seconds = gather_seconds
        self.clients = {name: Client(url) for name, url in urls.items()}
        self._signer = TokenSigner.from_file(IDENTITY, keys / f"{IDENTITY}.pem")
        self.hospital = self._headers("nu-ho-sinh-01", DESK, ("hospital",), FACILITY)
        self.lives: dict[str, Life] = {}
        self._early: dict[str, list[tuple[str, Any]]] = defaultdict(list)
        self._agencies: dict[str, Agency] = {}
        self._arriving: list[str] = []
        self._taking_in = False
        self._number = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: Bare | None = None
        self._holding = False
        self.events = 0
        self.failure: BaseException | None = None

    async def listen(self, nats_url: str) -> None:
        """Hear what is said, from now on."""
        self._listener = await Bare.connect(nats_url)
        for number, subject in enumerate(("intake.>", "routing.>", "results.>", "notify.>"), 1):
            self._listener.subscribe(number, subject, self._heard)

    def close(self) -> None:
        """Hang up."""
        for client in self.clients.values():
            client.close()
        if self._listener is not None:
            self._listener.close()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Within the block nobody acts on what is heard, and what is declared by others is not followed."""
        self._holding = True
        try:
            yield
        finally:
            self._holding = False

    @staticmethod
    def key() -> dict[str, str]:
        """A fresh idempotency key."""
        return _key()

    async def declare(self, birth: Birth) -> Life:
        """Hand one birth in; returns when intake has answered."""
        life = Life(birth)
        answer = await self.clients["intake"].post("/births", birth.body, self.hospital | _key())
        receipt = msgspec.json.decode(expect(answer, 201))
        life.received = time.perf_counter()
        life.dossier_id = receipt["dossier_id"]
        self.lives[life.dossier_id] = life
        for subject, event in self._early.pop(life.dossier_id, ()):
            self._on(life, subject, event)
        return life

    # -- hearing ---------------------------------------------------------------------------------------------

    def _heard(self, subject: bytes, _reply: bytes, header: bytes, payload: bytes) -> None:
        self.events += 1
        name = subject.decode()
        decoder = _HEARD.get(name)
        if decoder is None or self._holding:
            return
        at = header.find(b"ce-subject: ") + 12
        dossier_id = header[at : at + 36].decode()
        life = self.lives.get(dossier_id)
        if life is None:
            # The answer to the declaration is still on its way.
            self._early[dossier_id].append((name, decoder.decode(payload)))
        else:
            self._on(life, name, decoder.decode(payload))

    def _on(self, life: Life, subject: str, event: Any) -> None:
        if isinstance(event, StepAssigned):
            self._assigned(life, event)
        elif isinstance(event, DossierClosed):
            if not life.closed.done():
                life.closed.set_result(time.perf_counter())
            del self.lives[life.dossier_id]
        elif subject == _ISSUED:
            if event["place"] == DESK:
                self._arriving.append(event["result_id"])
                if not self._taking_in:
                    self._taking_in = True
                    self._do(self._arrive())
        elif event.place == DESK:
            life.ready.append(str(event.result_id))
            if len(life.ready) == RESULTS_AT_DESK:
                self._do(self._hand_over(life))

    # -- doing -----------------------------------------------------------------------------------------------

    def _assigned(self, life: Life, event: StepAssigned) -> None:
        agency = self._agencies.get(event.agency)
        if agency is None:
            roles = ("civil_status", "police_residence", "police_identity", "social_insurance")
            headers = self._headers(f"can-bo-{event.agency}", event.agency, roles)
            agency = self._agencies[event.agency] = Agency(headers)
        agency.waiting.append(
            {
                "dossier_id": life.dossier_id,
                "step": event.step,
                "outcome": self._outcome(event.step, life.birth),
            }
        )
        if not agency.busy:
            agency.busy = True
            self._do(self._complete(agency))

    async def _complete(self, agency: Agency) -> None:
        while agency.waiting:
            await asyncio.sleep(self._gather_seconds)
            steps, agency.waiting = agency.waiting[:BATCH_STEPS_MAX], agency.waiting[BATCH_STEPS_MAX:]
            answer = await self.clients["routing"].post(
                "/steps/complete", _encode({"steps": steps}), agency.headers | _key()
            )
            fates = msgspec.json.decode(expect(answer, 200))["results"]
            for fate in fates:
                if fate["status"] != 200:
                    raise RuntimeError(f"a step was not completed: {fate}")
        agency.busy = False

    async def _arrive(self) -> None:
        while self._arriving:
            await asyncio.sleep(self._gather_seconds)
            bag, self._arriving = self._arriving[:ARRIVALS_MAX], self._arriving[ARRIVALS_MAX:]
            answer = await self.clients["results"].post(
                "/results/arrive", _encode({"results": bag}), self.hospital | _key()
            )
            for fate in msgspec.json.decode(expect(answer, 200))["results"]:
                if fate["status"] != 200:
                    raise RuntimeError(f"a paper was not taken in: {fate}")
        self._taking_in = False

    async def _hand_over(self, life: Life) -> None:
        receiver = {
            "name": life.birth.mother_name,
            "relation": "mother",
            "identity_number": life.birth.mother_number,
        }
        answer = await self.clients["results"].post(
            f"/dossiers/{life.dossier_id}/hand-over",
            _encode({"results": life.ready, "receiver": receiver, "signed_on_paper": True}),
            self.hospital | _key(),
        )
        expect(answer, 200)

    def _outcome(self, step: str, birth: Birth) -> dict[str, Any]:
        self._number += 1
        number, today = self._number, datetime.now(UTC).date()
        if step == "register_birth":
            century = 2 * (birth.born_on.year // 100 - 19)
            return {
                "register_number": f"{number}/{today.year}",
                "register_book": f"01/{today.year}",
                "registered_on": today.isoformat(),
                "child_name": birth.child_name,
                "personal_id": f"092{century + birth.female}{birth.born_on:%y}{number % 1_000_000:06d}",
                "registration_place": "Ủy ban nhân dân phường",
                "signer_name": "Lê Văn Bình",
                "signer_title": "Chủ tịch",
            }
        if step == "register_residence":
            return {
                "residence_number": f"{number}/TB",
                "registered_on": today.isoformat(),
                "signer_name": "Trần Quốc Hưng",
                "signer_title": "Trưởng Công an phường",
            }
        return {
            "card_number": f"TE192{number:010d}",
            "valid_from": birth.born_on.isoformat(),
            "valid_to": child_card_end(birth.born_on).isoformat(),
            "first_care_facility": FACILITY,
            "signer_name": "Nguyễn Thu Hà",
            "signer_title": "Giám đốc",
        }

    # -- parts -----------------------------------------------------------------------------------------------

    def _headers(
        self, subject: str, agency: str, roles: tuple[str, ...], facility: str = ""
    ) -> dict[str, str]:
        token = self._signer.token(
            SERVICES,
            subject=subject,
            kind="officer",
            agency=agency,
            roles=roles,
            facility=facility,
            ttl_seconds=TOKEN_SECONDS,
        )
        return {"Authorization": f"Bearer {token}"}

    def _do(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None and self.failure is None:
            self.failure = task.exception()
            for life in self.lives.values():
                if not life.closed.done():
                    life.closed.set_exception(self.failure)  # type: ignore[arg-type]


_ISSUED = "results.result-issued.v1"
_HEARD: dict[str, Any] = {
    StepAssigned.SUBJECT: msgspec.json.Decoder(StepAssigned),
    ResultReady.SUBJECT: msgspec.json.Decoder(ResultReady),
    DossierClosed.SUBJECT: msgspec.json.Decoder(DossierClosed),
    _ISSUED: msgspec.json.Decoder(),
}


def _key() -> dict[str, str]:
    return {"Idempotency-Key": str(uuid4())}
