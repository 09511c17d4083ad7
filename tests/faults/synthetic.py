"""A clean history made up without any server, for proving the checker with seeded mistakes."""

from collections.abc import Sequence
from hashlib import sha256
from random import Random
from typing import Any
from uuid import UUID, uuid5

import msgspec

from libs.contracts.catalogue import FLOWS, SERVICES, sources_of
from tests.faults.record import (
    ACT,
    HAND_IN,
    OK,
    UNKNOWN,
    Attempt,
    Case,
    Custody,
    DeadLetter,
    Dossier,
    Effect,
    Heard,
    History,
    Position,
    Proof,
    Said,
    Stored,
)

_HEARERS = {flow.event.SUBJECT: flow.to for flow in FLOWS}
_NAMES = UUID("0192f0c4-0000-7000-8000-000000000000")
GRANTED, OPEN, REFUSED, WITHDRAWN, SUPPLEMENTED, AMENDED, DENIED = (
    "granted",
    "open",
    "refused",
    "withdrawn",
    "supplemented",
    "amended",
    "denied",
)
FATES = (GRANTED, OPEN, REFUSED, WITHDRAWN, SUPPLEMENTED, AMENDED, DENIED)


class Maker:
    """Tells the lives of dossiers and writes down what every ledger would then hold."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - made-up histories need no secrecy
        self.now = 1_000
        self.said: list[Said] = []
        self.attempts: list[Attempt] = []
        self.dossiers: list[Dossier] = []
        self.cases: list[Case] = []
        self.custodies: list[Custody] = []
        self.effects: list[Effect] = []

    def tick(self) -> int:
        """The next moment."""
        self.now += self.random.randrange(1, 50)
        return self.now

    def id(self, *parts: object) -> UUID:
        """An id that follows from its parts."""
        return uuid5(_NAMES, "/".join(str(part) for part in parts))

    def say(self, dossier: UUID, subject: str, cause: UUID | None = None, **facts: Any) -> UUID:
        """One outbox row; returns its event id."""
        source = subject.split(".", maxsplit=1)[0]
        sequence = 1 + sum(s.source == source and s.dossier_id == dossier for s in self.said)
        event_id = self.id(dossier, source, sequence)
        digest = sha256(msgspec.json.encode((subject, sequence, facts), order="sorted")).hexdigest()
        self.said.append(
            Said(
                source=source,
                event_id=event_id,
                dossier_id=dossier,
                sequence=sequence,
                subject=f"{subject}.v1",
                sha256=digest,
                causation_id=cause,
                facts=facts,
            )
        )
        return event_id

    def attempt(self, key: str, *, purpose: str = ACT, outcome: str = OK, **more: Any) -> None:
        """One request as the tester saw it."""
        invoked = self.tick()
        self.attempts.append(
            Attempt(
                key=key, purpose=purpose, outcome=outcome, invoked_ns=invoked, ended_ns=self.tick(), **more
            )
        )

    def dossier(self, number: int, fate: str) -> None:
        """The whole life of one birth."""
        identity, key = f"birth-{number}", f"key-{number}"
        dossier = self.id("dossier", number)
        if number % 3 == 0:
            self.attempt(key, purpose=HAND_IN, outcome=UNKNOWN, identity=identity)
        answer = f"answer-{number}"
        for _ in range(1 + number % 2):
            self.attempt(
                key, purpose=HAND_IN, status=201, identity=identity, dossier_id=dossier, answer=answer
            )
        self.effects.append(Effect(kind="code", key=f"code-{number}", owner=str(dossier)))
        self.say(dossier, "intake.dossier-received")
        if fate == REFUSED:
            self.say(dossier, "intake.dossier-refused")
            self.keep(dossier, number, state="refused")
            return
        accepted = self.say(dossier, "intake.dossier-accepted")
        self.say(dossier, "routing.case-opened", accepted, steps=("register_birth", "issue_insurance_card"))
        self.say(dossier, "routing.step-assigned", accepted, step="register_birth")
        if fate == OPEN:
            self.keep(dossier, number, state="accepted")
            self.cases.append(Case(dossier_id=dossier))
            return
        if fate == SUPPLEMENTED:
            self.supplement(dossier, number)
        if fate == WITHDRAWN:
            withdrawn = self.say(dossier, "intake.dossier-withdrawn")
            self.say(dossier, "routing.dossier-settled", withdrawn, outcome="withdrawn")
            self.keep(dossier, number, state="withdrawn", outcome="withdrawn")
            self.cases.append(Case(dossier_id=dossier, outcome="withdrawn"))
            self.custodies.append(Custody(dossier_id=dossier, outcome="withdrawn"))
            return
        if fate == DENIED:
            # With its first step the one after it falls, and nothing is left.
            fallen = ("issue_insurance_card",)
            self.say(
                dossier, "routing.step-refused", step="register_birth", outcome="refused", dropped=fallen
            )
            self.say(dossier, "routing.dossier-settled", outcome="refused")
            self.keep(dossier, number, state="accepted", outcome="refused")
            self.cases.append(Case(dossier_id=dossier, outcome="refused"))
            self.custodies.append(Custody(dossier_id=dossier, outcome="refused"))
            return
        self.granted(dossier, number, amended=fate == AMENDED)

    def supplement(self, dossier: UUID, number: int) -> None:
        """A request for papers, answered."""
        self.say(dossier, "routing.supplement-requested", request=1)
        self.say(dossier, "routing.clock-paused", reason="supplement", step="")
        proof = Proof("intake", "intake.dossier-supplemented.v1", "request", "1")
        self.attempt(f"supplement-{number}", dossier_id=dossier, proof=proof, status=200)
        given = self.say(dossier, "intake.dossier-supplemented", request=1)
        self.say(dossier, "routing.clock-resumed", given, reason="supplement", step="")

    def granted(self, dossier: UUID, number: int, *, amended: bool) -> None:
        """Both steps done, both results handed over, closed."""
        done = {}
        for step in ("register_birth", "issue_insurance_card"):
            proof = Proof("routing", "routing.step-completed.v1", "step", step)
            self.attempt(f"{step}-{number}", dossier_id=dossier, proof=proof, status=200)
            self.say(dossier, "routing.step-started", step=step)
            done[step] = self.say(dossier, "routing.step-completed", step=step)
            if step == "register_birth":
                self.say(dossier, "routing.step-assigned", step="issue_insurance_card")
            self.effects.append(Effect(kind="outcome", key=f"{dossier}/{step}", owner=str(dossier)))
            self.effects.append(Effect(kind="number", key=f"{step}-{number}", owner=str(dossier)))
        self.say(dossier, "routing.dossier-settled", outcome="granted", reason="")
        for step in done:
            self.result(dossier, step, 1)
        if amended:
            self.say(dossier, "routing.step-amended", step="register_birth")
            self.result(dossier, "register_birth", 2)
        self.say(dossier, "results.dossier-closed")
        message = self.id(dossier, "message")
        self.say(dossier, "notify.message-sent", message_id=str(message))
        self.say(dossier, "notify.message-delivered", message_id=str(message))
        self.effects.append(Effect(kind="message", key=str(message), owner=str(dossier)))
        self.keep(dossier, number, state="accepted", outcome="granted", closed=True)
        self.cases.append(Case(dossier_id=dossier, outcome="granted", results=tuple(done), closed=True))
        self.custodies.append(Custody(dossier_id=dossier, outcome="granted", closed=True))

    def result(self, dossier: UUID, code: str, version: int) -> None:
        """One result from the press to the hand."""
        result = str(self.id(dossier, code, version))
        before = str(self.id(dossier, code, version - 1)) if version > 1 else None
        facts: dict[str, Any] = {"result_id": result, "result": code}
        self.say(dossier, "results.result-issued", **facts, version=version, supersedes=before)
        for verb in ("dispatched", "ready", "handed-over"):
            self.say(dossier, f"results.result-{verb}", **facts)
        self.effects.append(Effect(kind="document", key=result, owner=str(dossier)))

    def keep(self, dossier: UUID, number: int, **state: Any) -> None:
        """What intake holds of it."""
        self.dossiers.append(Dossier(id=dossier, code=f"code-{number}", identity=f"birth-{number}", **state))


def clean_history(seed: int, fates: Sequence[str] = FATES) -> History:
    """A history in which everything holds: one dossier of each fate, told by a seed."""
    maker = Maker(seed)
    for number, fate in enumerate(fates):
        maker.dossier(number, fate)
    maker.attempt("never-arrived", purpose=HAND_IN, outcome=UNKNOWN, identity="birth-unknown")
    stored = [_stored(place + 1, said) for place, said in enumerate(maker.said)]
    copies = [_stored(len(stored) + 1, maker.random.choice(maker.said), injected=True)]
    heard, positions = _inboxes(maker)
    return History(
        attempts=tuple(maker.attempts),
        dossiers=tuple(maker.dossiers),
        cases=tuple(maker.cases),
        custodies=tuple(maker.custodies),
        said=tuple(maker.said),
        stored=(*stored, *copies),
        heard=tuple(heard),
        positions=tuple(positions),
        dead_letters=(
            DeadLetter(
                service="routing",
                source="intake",
                event_id=None,
                reason="undecodable",
                code="x",
                injected=True,
            ),
        ),
        effects=tuple(maker.effects),
    )


def _stored(sequence: int, said: Said, *, injected: bool = False) -> Stored:
    return Stored(
        source=said.source,
        stream_sequence=sequence,
        event_id=said.event_id,
        dossier_id=said.dossier_id,
        sequence=said.sequence,
        subject=said.subject,
        sha256=said.sha256,
        injected=injected,
    )


def _inboxes(maker: Maker) -> tuple[list[Heard], list[Position]]:
    heard: list[Heard] = []
    reached: dict[tuple[str, str, UUID], int] = {}
    for transaction, said in enumerate(maker.said):
        for service in SERVICES:
            if said.source in sources_of(service):
                reached[service, said.source, said.dossier_id] = said.sequence
            if service in _HEARERS[said.subject]:
                heard.append(
                    Heard(
                        service=service,
                        source=said.source,
                        event_id=said.event_id,
                        dossier_id=said.dossier_id,
                        sequence=said.sequence,
                        transaction=transaction,
                        at_us=maker.tick(),
                    )
                )
    positions = [
        Position(service=service, source=source, dossier_id=dossier, sequence=sequence)
        for (service, source, dossier), sequence in reached.items()
    ]
    return heard, positions
