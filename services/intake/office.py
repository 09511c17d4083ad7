"""What every endpoint of intake works with, and who may do what with a dossier."""

import secrets
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any, NoReturn
from uuid import UUID

from libs.bus.ids import new_id
from libs.bus.runtime import BusRuntime
from libs.bus.writer import ACQUIRE_TIMEOUT_SECONDS, Writer
from libs.catalogue import Catalogue, UnknownAgency
from libs.http.auth import Actor
from libs.http.problems import FieldError, Problem
from libs.storage.archive import Archive
from services.intake import duplicate_store, store
from services.intake.births import Problem as Doubt
from services.intake.dossier import Dossier, IllegalMove
from services.intake.reception import Desk, Fresh, Refused, Sender
from services.intake.reception_store import Known

TOKEN_BYTES = 18  # 144 random bits, 24 characters
# Services that hand in for citizens, and read what they handed in; the others read people only (api_people).
ENTRANCES = ("portal", "gateway")
HOSPITAL_CHANNELS = frozenset({"hospital"})
COUNTER_CHANNELS = frozenset({"counter", "post"})
ENTRANCE_CHANNELS = frozenset({"online", "partner", "post"})


class Office:
    """One process of intake: its bus and database, the catalogue, the archive of papers, the clock."""

    def __init__(
        self,
        bus: BusRuntime,
        desk: Desk,
        archive: Archive,
        public_url: str,
        *,
        public_per_second: float = 1.0,
        public_burst: int = 30,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`public_per_second` and `public_burst` bound what one address may ask without a login."""
        self.bus = bus
        self.desk = desk
        self.archive = archive
        self.public_url = public_url
        self.public_per_second = public_per_second
        self.public_burst = public_burst
        self.now = now

    @property
    def catalogue(self) -> Catalogue:
        """What the city offers."""
        return self.desk.catalogue

    @property
    def writer(self) -> Writer:
        """Transactions whose events are relayed at once."""
        return self.bus.writer

    def reading(self) -> AbstractAsyncContextManager[Any]:
        """A connection for statements that only look. Raises TimeoutError when none becomes free in time."""
        return self.bus.pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS)

    def recording(self) -> AbstractAsyncContextManager[Any]:
        """A transaction for reads of people's data, which leave a row of who read; there is nothing to relay."""
        return Writer(self.bus.pool, lambda: None).transaction()

    def facility_of(self, actor: Actor) -> str:
        """The five-digit code of the hospital the actor works at, empty for others."""
        if "hospital" not in actor.roles:
            return ""
        if actor.facility or not actor.agency:
            return actor.facility
        try:
            return self.catalogue.agency(actor.agency).facility_code
        except UnknownAgency:
            return ""

    def sender(self, actor: Actor, channel: str = "") -> Sender:
        """The actor as one who hands dossiers in. Raises Problem 403 for who may not, 422 for a wrong channel."""
        if actor.kind == "service":
            allowed = ENTRANCE_CHANNELS
            sender = Sender(subject=actor.subject, channel=channel or "online")
        elif facility := self.facility_of(actor):
            allowed = HOSPITAL_CHANNELS
            sender = Sender(subject=actor.subject, channel=channel or "hospital", facility=facility)
        elif "one_stop" in actor.roles and self._exists(actor.agency):
            allowed = COUNTER_CHANNELS
            sender = Sender(subject=actor.subject, channel=channel or "counter", agency=actor.agency)
        else:
            raise Problem(403)
        if sender.channel not in allowed:
            errors = [FieldError("channel", "not-yours", "Không nộp được qua kênh này.")]
            raise Problem(422, errors=errors)
        return sender

    def may_read(self, actor: Actor, dossier: Dossier) -> bool:
        """Whether the actor has to do with the dossier: received or declared it, or has a step of it."""
        if actor.kind == "service":
            return actor.subject in ENTRANCES
        if actor.agency and any(self._does_work_of(actor, one, dossier) for one in dossier.concerned):
            return True
        return bool(dossier.facility) and dossier.facility == self.facility_of(actor)

    def may_find(self, actor: Actor, dossier: Dossier) -> bool:
        """Whether the actor may know whose dossier it is: also the desk that only hands over one of its results.

        That desk learns no more than who comes for which dossier; the file is not its business.
        """
        if self.may_read(actor, dossier):
            return True
        if actor.kind == "service" or not actor.agency or not {"one_stop", "hospital"} & actor.roles:
            return False
        return any(self._does_work_of(actor, place, dossier) for place in dossier.handing_places)

    def handles(self, actor: Actor, dossier: Dossier) -> bool:
        """Whether the actor may speak for the applicant: the receiving counter, the declaring hospital, an entrance."""
        if actor.kind == "service":
            return actor.subject in ENTRANCES
        if "one_stop" in actor.roles and self._does_work_of(actor, dossier.receiving_agency, dossier):
            return True
        return bool(dossier.facility) and dossier.facility == self.facility_of(actor)

    def desks_of(self, actor: Actor) -> tuple[str, ...]:
        """The actor's agency and those that ended and were followed by it; empty without one."""
        if not actor.agency:
            return ()
        older = self.catalogue.predecessors(actor.agency)
        return (actor.agency, *(agency for agency in older if not self._exists(agency)))

    def _does_work_of(self, actor: Actor, agency: str, dossier: Dossier) -> bool:
        """Whether the actor's agency is the one, or has taken this dossier over from it."""
        if agency == actor.agency:
            return True
        if agency not in self.catalogue.predecessors(actor.agency):
            return False
        today = self.desk.today(self.now())
        return self.catalogue.heir(agency, dossier.unit, dossier.unit_as_of, today) == actor.agency

    async def readable(self, connection: Any, actor: Actor, dossier_id: UUID) -> Dossier:
        """The dossier if the actor may read it. Raises Problem 404 otherwise, as for one that does not exist."""
        found = await store.find(connection, dossier_id)
        if found is None or not self.may_read(actor, found):
            raise Problem(404)
        return found

    async def comparable(self, connection: Any, actor: Actor, dossier_id: UUID) -> Dossier:
        """As `readable`, and also for the one-stop shop that has to compare the dossier with one of its own."""
        found = await store.find(connection, dossier_id)
        if found is None:
            raise Problem(404)
        if not self.may_read(actor, found) and not (
            "one_stop" in actor.roles and await self._compares(connection, actor, dossier_id)
        ):
            raise Problem(404)
        return found

    async def _compares(self, connection: Any, actor: Actor, dossier_id: UUID) -> bool:
        others = await store.find_all(connection, await duplicate_store.compared_with(connection, dossier_id))
        return any(self.handles(actor, other) for other in others.values())

    async def locked(self, connection: Any, actor: Actor, dossier_id: UUID) -> Dossier:
        """The dossier, locked, if the actor handles it. Raises Problem 404, or 403 for one who may only read it."""
        found = (await store.load(connection, [dossier_id])).get(dossier_id)
        if found is None or not self.may_read(actor, found):
            raise Problem(404)
        if not self.handles(actor, found):
            raise Problem(403)
        return found

    def fresh(self) -> Fresh:
        """An id and a tracking token for a new dossier."""
        return Fresh(id=new_id(), token=secrets.token_urlsafe(TOKEN_BYTES))

    def _exists(self, agency: str) -> bool:
        try:
            return self.catalogue.agency(agency).in_force(self.desk.today(self.now()))
        except UnknownAgency:
            return False


def refused(error: Refused) -> Problem:
    """The 422 of what cannot be taken, with every field that is wrong."""
    title = "Thông tin trên thẻ khác giấy chứng sinh" if error.slug == "card-differs" else ""
    return Problem(422, error.slug, title, errors=field_errors(error.problems))


def field_errors(problems: Sequence[Doubt]) -> list[FieldError]:
    """The problems that stop, as RFC 9457 members."""
    return [FieldError(p.field, p.code, p.message_vi) for p in problems if p.severity == "error"]


def duplicate(known: Known) -> Problem:
    """The 409 of a birth that has its dossier; it names the dossier and nobody."""
    location = f"/dossiers/{known.dossier_id}"
    return Problem(
        409,
        "duplicate-birth",
        "Việc sinh này đã có hồ sơ",
        "Giấy chứng sinh hoặc lần sinh này đã được khai; xem hồ sơ đã có.",
        headers={"Location": location},
        extra={"dossier": location, "dossier_id": str(known.dossier_id), "code": known.code},
    )


def not_now(illegal: IllegalMove) -> NoReturn:
    """Raise the 409 of a move the dossier's state does not allow."""
    raise Problem(409, illegal.code, "Trạng thái hồ sơ không cho phép", illegal.text) from None
