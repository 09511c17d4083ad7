"""The desk for Bundles: judged whole, then each birth taken, updated, taken back, or found to be known already.

Everything is checked before anything is handed in - the model, the mapping, intake's own rules - and all that was found
is told at once. What then becomes of each birth is its own: children of one Bundle have a dossier each, and one that
intake refuses takes none of the others back. The same Bundle sent again brings the rest to its end and changes no more.
"""

import asyncio
import hashlib
from typing import Any, Literal

import msgspec

from libs.database.transactions import Transactions
from libs.http.client import Refused, Unavailable
from services.gateway.acting import Acting
from services.gateway.fhir.bundles import Bundle, NotABundle, read_bundle, shape_issues
from services.gateway.fhir.intake import Births
from services.gateway.fhir.issues import Issue, error
from services.gateway.fhir.mapper import Birth, Mapped, mapped
from services.gateway.fhir.mapping import Mapping, load_mapping
from services.gateway.fhir.model import model_issues
from services.gateway.fhir.one_birth import BirthOutcome, BirthTaker, finding_issues, refused_issues
from services.gateway.partners.at_once import AtOnce
from services.gateway.partners.partner import Partner
from services.gateway.submissions import submission_store
from services.gateway.submissions.submission_store import Submission

# Judging a Bundle of 1 MiB takes about a second of a core; two leave the others to everybody else, and one of a partner
# leaves the second to the others.
AT_ONCE_MAX, OF_ONE_MAX = 2, 1
RETRY_SECONDS = 10
Way = Literal["http", "folder"]


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a Bundle: an HTTP status and everything there is to say. `bundle` is None when it is none."""

    status: int
    issues: tuple[Issue, ...]
    births: tuple[BirthOutcome, ...] = ()
    bundle: Bundle | None = None


class FhirDesk:
    """Where partners hand in Bundles."""

    def __init__(self, transactions: Transactions, acting: Acting) -> None:
        self._transactions = transactions
        self._births = Births(acting)
        self._mapping: Mapping = load_mapping()
        self._of_all = asyncio.Semaphore(AT_ONCE_MAX)
        self._of_one = AtOnce(OF_ONE_MAX)

    async def submit(self, partner: Partner, content: bytes, way: Way) -> Answered:
        """Take a Bundle of a partner. Raises what the database raises; everything else is in the answer."""
        answered = await self._submitted(partner, content)
        states = [said.state for said in answered.births]
        async with self._transactions.transaction() as conn:
            await submission_store.record(
                conn,
                Submission(
                    partner=partner.code,
                    way=way,
                    format="fhir",
                    sha256=hashlib.sha256(content).digest(),
                    status=answered.status,
                    taken=sum(state in ("taken", "updated", "withdrawn") for state in states),
                    known=sum(state == "known" for state in states),
                    refused=sum(state == "refused" for state in states),
                ),
            )
        return answered

    async def _submitted(self, partner: Partner, content: bytes) -> Answered:
        if not partner.facility:
            text = "Đối tác không gắn với cơ sở khám bệnh, chữa bệnh nào nên không thông báo sinh được."
            return Answered(status=403, issues=(error("not-allowed", text),))
        try:
            async with self._of_one.place(partner.code, wait_seconds=None), self._of_all:
                bundle, found, issues = await asyncio.to_thread(judged, content, self._mapping)
        except NotABundle as wrong:
            return Answered(status=wrong.status, issues=tuple(wrong.issues))
        issues += [issue for birth in found.births for issue in birth.issues]
        wrong_yet = any(issue.stops for issue in issues)
        try:
            if wrong_yet or len(found.births) > 1:
                for birth in found.births:
                    issues += await self._checked(partner, birth)
            if any(issue.stops for issue in issues):
                births = tuple(BirthOutcome(birth=birth, state="refused") for birth in found.births)
                return Answered(
                    status=422, issues=(*_distinct(issues), *found.unmapped), births=births, bundle=bundle
                )
            taker = BirthTaker(self._transactions, self._births, self._mapping, partner, bundle)
            said = [await taker.take(birth) for birth in found.births]
        except Unavailable:
            text = (
                "Hệ thống đang bận, hãy gửi lại nguyên Bundle này sau ít giây; gửi lại không tạo hồ sơ trùng."
            )
            return Answered(status=503, issues=(error("unavailable", text),), bundle=bundle)
        told = [*issues, *(issue for each in said for issue in each.issues), *found.unmapped]
        return Answered(status=_status(said), issues=tuple(told), births=tuple(said), bundle=bundle)

    async def _checked(self, partner: Partner, birth: Birth) -> list[Issue]:
        if birth.void:
            return []
        try:
            findings = await self._births.check(partner, birth.body)
        except Refused as refused:
            return refused_issues(refused, birth, self._mapping)
        # What rests on a field that was not sent is no news: that it was not sent is said already.
        known = [f for f in findings if not birth.stand_ins & {f.field, *f.also}]
        return finding_issues(known, birth, self._mapping)


def judged(content: bytes, mapping: Mapping) -> tuple[Bundle, Mapped, list[Issue]]:
    """The Bundle, what it says, and everything that is wrong with it as such. Pure, and slow: run it in a thread.

    Raises NotABundle.
    """
    bundle = read_bundle(content)
    found = mapped(bundle, mapping)
    return bundle, found, [*shape_issues(bundle), *model_issues(bundle), *found.issues]


def _distinct(issues: list[Issue]) -> list[Issue]:
    """Each thing once: what concerns the mother of twins was found with each of them."""
    seen: dict[Any, Issue] = {}
    for issue in issues:
        seen.setdefault((issue.slug, issue.text, issue.places), issue)
    return list(seen.values())


def _status(said: list[BirthOutcome]) -> int:
    """Of the whole: the worst that was refused, else whether anything new came of it."""
    refused = [one.status for one in said if one.status >= 400]
    if refused:
        return max(refused, key=lambda status: (status != 409, status))
    return 201 if any(one.status == 201 for one in said) else 200
