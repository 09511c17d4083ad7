"""One birth of a Bundle at intake: new, changed, taken back, or the same again - told apart by its certificate."""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal
from uuid import UUID

import msgspec

from libs.database.transactions import Transactions
from libs.http.client import Refused
from services.gateway.fhir.bundles import Bundle
from services.gateway.fhir.changes import asked_for, changes
from services.gateway.fhir.intake import Births, Receipt
from services.gateway.fhir.issues import Dossier, Issue, error
from services.gateway.fhir.mapper import Birth, Identity
from services.gateway.fhir.mapping import Mapping
from services.gateway.partners.partner import Partner
from services.gateway.submissions import submission_store
from services.gateway.submissions.findings import Finding
from services.gateway.submissions.submission_store import SENDING, TAKEN, KnownBirth

State = Literal["taken", "updated", "withdrawn", "known", "refused"]
EXPLANATION = "Phần mềm của bệnh viện gửi bản cập nhật (FHIR)."
# Another writer may come between the look at a file and its correction; a second look is enough, a third is a quarrel.
LOOKS_MAX = 2


class BirthOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one birth, as a state, the HTTP status it would have alone, and what there is to say."""

    birth: Birth
    state: State
    status: int = 422
    issues: tuple[Issue, ...] = ()

    @property
    def dossier(self) -> Dossier | None:
        """Its dossier, where it has one."""
        return next((issue.dossier for issue in self.issues if issue.dossier), None)


class BirthTaker:
    """Takes the births of one Bundle of one partner, one after another."""

    def __init__(
        self,
        transactions: Transactions,
        births: Births,
        mapping: Mapping,
        partner: Partner,
        bundle: Bundle,
    ) -> None:
        self._transactions = transactions
        self._births = births
        self._mapping = mapping
        self._partner = partner
        self._bundle = bundle
        self._document = hashlib.sha256(bundle.content).digest()

    async def take(self, birth: Birth) -> BirthOutcome:
        """What becomes of this birth. Raises libs.http.client.Unavailable, and what the database raises."""
        identity = birth.identity
        if identity is None:
            text = "Thiếu số giấy chứng sinh nên không biết đây là lần sinh nào."
            return BirthOutcome(birth=birth, state="refused", issues=(error("required", text, birth.place),))
        async with self._transactions.transaction() as conn:
            known = await submission_store.find(conn, self._partner.code, identity.digest)
        try:
            if birth.void:
                return await self._void(birth, identity, known)
            if known is not None and known.state == TAKEN:
                return await self._again(birth, identity, known)
            return await self._new(birth, identity, known)
        except Refused as refused:
            issues = refused_issues(refused, birth, self._mapping)
            status = refused.status if refused.status in (403, 404, 409, 429) else 422
            return BirthOutcome(birth=birth, state="refused", status=status, issues=tuple(issues))

    async def _new(self, birth: Birth, identity: Identity, known: KnownBirth | None) -> BirthOutcome:
        declared = _digest(birth)
        await self._note(submission_store.claim, identity, declared)
        voids = known.voids if known else 0
        named = f"{identity.system}|{identity.value}|{voids}|".encode() + declared
        try:
            receipt = await self._births.declare(
                self._partner, birth.body, f"fhir-{hashlib.sha256(named).hexdigest()}"
            )
        except Refused as refused:
            theirs = _known_dossier(refused)
            if theirs and known is not None and known.state == SENDING and known.dossier_id != theirs:
                # An earlier try of ours was taken and its answer lost.
                return await self._update(birth, identity, theirs)
            await self._note(submission_store.unclaim, identity)
            if theirs:
                return BirthOutcome(
                    birth=birth,
                    state="known",
                    status=409,
                    issues=tuple(refused_issues(refused, birth, self._mapping)),
                )
            raise
        kept = await self._keep(birth, identity, receipt.dossier_id)
        text = f"Đã tiếp nhận, mã hồ sơ {receipt.code}. {receipt.appointment_text}"
        warnings = finding_issues(receipt.warnings, birth, self._mapping)
        told = _told("received", text, birth, receipt)
        return BirthOutcome(birth=birth, state="taken", status=201, issues=(told, *warnings, *kept))

    async def _again(self, birth: Birth, identity: Identity, known: KnownBirth) -> BirthOutcome:
        dossier_id = _dossier_of(known)
        if known.declared != _digest(birth):
            return await self._update(birth, identity, dossier_id)
        kept = [] if known.document == self._document else await self._keep(birth, identity, dossier_id)
        receipt = await self._births.receipt(self._partner, dossier_id)
        text = f"Đã tiếp nhận từ trước, mã hồ sơ {receipt.code}; nội dung không đổi."
        return BirthOutcome(
            birth=birth, state="known", status=200, issues=(_told("unchanged", text, birth, receipt), *kept)
        )

    async def _update(self, birth: Birth, identity: Identity, dossier_id: UUID) -> BirthOutcome:
        for look in range(1, LOOKS_MAX + 1):
            try:
                paths = await self._correct(birth, dossier_id)
            except Refused as refused:
                if refused.slug == "file-changed" and look < LOOKS_MAX:
                    continue
                raise
            break
        kept = await self._keep(birth, identity, dossier_id)
        receipt = await self._births.receipt(self._partner, dossier_id)
        if not paths:
            text = f"Hồ sơ {receipt.code} đã ghi đúng như bản này; không có gì thay đổi."
            told = _told("unchanged", text, birth, receipt)
            return BirthOutcome(birth=birth, state="known", status=200, issues=(told, *kept))
        places = tuple(dict.fromkeys(birth.origin(path, self._mapping) for path in paths))
        text = f"Đã cập nhật hồ sơ {receipt.code}."
        told = msgspec.structs.replace(_told("updated", text, birth, receipt), places=(birth.place, *places))
        return BirthOutcome(birth=birth, state="updated", status=200, issues=(told, *kept))

    async def _correct(self, birth: Birth, dossier_id: UUID) -> list[str]:
        """Make the file say what the Bundle says, and say which fields changed. Raises Refused."""
        there = await self._births.dossier_file(self._partner, dossier_id)
        entries = changes(there.file, birth.body, self._mapping)
        answering, correcting = asked_for(entries, there.asked)
        named = f"fhir-{dossier_id}-{there.file_version}-{_digest(birth).hex()}"
        version: int | None = there.file_version
        if answering:
            body = {"fields": answering, "file_version": version}
            await self._births.move(self._partner, dossier_id, "supplements", body, f"{named}-s")
            # The file has a newer version now; what else is corrected in it was compared with the one before.
            version = None
        if correcting:
            correction: dict[str, object] = {
                "changes": correcting,
                "reason": "declared-wrong",
                "explanation": EXPLANATION,
                "file_version": version,
            }
            try:
                await self._births.move(self._partner, dossier_id, "corrections", correction, f"{named}-c")
            except Refused as refused:
                # Written otherwise and meaning the same (blanks, +84): nothing to correct.
                if refused.slug != "nothing-changed":
                    raise
                correcting = []
        if stay := birth.body.get("stay"):
            await self._births.move(self._partner, dossier_id, "stay", stay, f"{named}-b")
        return [str(entry["path"]) for entry in (*answering, *correcting)]

    async def _void(self, birth: Birth, identity: Identity, known: KnownBirth | None) -> BirthOutcome:
        if known is None or known.state == SENDING:
            text = "Chưa có lần sinh nào của đối tác với số giấy chứng sinh này để thu hồi."
            issue = error("not-found", text, birth.place)
            return BirthOutcome(birth=birth, state="refused", status=404, issues=(issue,))
        dossier_id = _dossier_of(known)
        if known.state == TAKEN:
            # Before it ends: an ended dossier takes no papers.
            await self._births.keep(self._partner, dossier_id, self._bundle.content)
            body = {"reason": "entered-in-error"}
            await self._births.move(self._partner, dossier_id, "withdrawal", body, f"fhir-void-{dossier_id}")
            await self._note(submission_store.void, identity)
        receipt = await self._births.receipt(self._partner, dossier_id)
        text = f"Đã rút hồ sơ {receipt.code} theo yêu cầu của bệnh viện."
        issue = _told("withdrawn", text, birth, receipt)
        return BirthOutcome(birth=birth, state="withdrawn", status=200, issues=(issue,))

    async def _keep(self, birth: Birth, identity: Identity, dossier_id: UUID) -> list[Issue]:
        """Keep the Bundle with the dossier, then note the dossier as the birth's: a crash between is made good."""
        kept = await self._births.keep(self._partner, dossier_id, self._bundle.content)
        await self._note(submission_store.taken, identity, dossier_id, _digest(birth), self._document)
        if kept:
            return []
        text = (
            "Hồ sơ không nhận thêm tệp nên Bundle này không được lưu kèm; dữ liệu trong tờ khai vẫn đầy đủ."
        )
        issue = Issue(severity="warning", slug="document-not-kept", text=text, places=(birth.place,))
        return [issue]

    async def _note(self, noted: Callable[..., Awaitable[None]], identity: Identity, *values: object) -> None:
        async with self._transactions.transaction() as conn:
            await noted(conn, self._partner.code, identity.digest, *values)


def finding_issues(findings: Sequence[Finding], birth: Birth, mapping: Mapping) -> list[Issue]:
    """What intake found, at the elements it rests on."""
    issues = []
    for finding in findings:
        paths = (finding.field, *finding.also)
        places = tuple(dict.fromkeys(birth.origin(path, mapping) for path in paths))
        severity: Literal["error", "warning"] = "warning" if finding.severity == "warning" else "error"
        issues.append(Issue(severity=severity, slug=finding.code, text=finding.message_vi, places=places))
    return issues


def refused_issues(refused: Refused, birth: Birth, mapping: Mapping) -> list[Issue]:
    """Why intake did not take it, each reason at the element it rests on."""
    told = refused.told
    if told.errors:
        return [error(one.code, one.message, birth.origin(_path(one.field), mapping)) for one in told.errors]
    text = " ".join(part for part in (told.title, told.detail) if part) or "Không được tiếp nhận."
    theirs = _known_dossier(refused)
    issue = error(refused.slug or "refused", text, birth.place)
    if theirs is None:
        return [issue]
    answer = msgspec.json.decode(refused.answer, type=dict[str, object])
    return [msgspec.structs.replace(issue, dossier=Dossier(id=theirs, code=str(answer.get("code", ""))))]


def _path(field: str) -> str:
    """A field as our declaration names it: corrections name theirs by `changes[0].…` only where the body is wrong."""
    return field.removeprefix("file.")


def _known_dossier(refused: Refused) -> UUID | None:
    if refused.slug != "duplicate-birth":
        return None
    try:
        return UUID(str(msgspec.json.decode(refused.answer, type=dict[str, object]).get("dossier_id")))
    except (msgspec.MsgspecError, ValueError):
        return None


def _dossier_of(known: KnownBirth) -> UUID:
    if known.dossier_id is None:
        raise AssertionError("the table keeps a dossier with every birth that is not on its way")
    return known.dossier_id


def _told(slug: str, text: str, birth: Birth, receipt: Receipt) -> Issue:
    dossier = Dossier(id=receipt.dossier_id, code=receipt.code, link=receipt.link)
    return Issue(severity="information", slug=slug, text=text, places=(birth.place,), dossier=dossier)


def _digest(birth: Birth) -> bytes:
    return hashlib.sha256(msgspec.json.encode(birth.body, order="deterministic")).digest()
