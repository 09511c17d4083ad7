"""What a family is told of a step that is not done, and of a dossier granted in part."""

from datetime import UTC, date, datetime
from pathlib import Path
from uuid import uuid4

from libs.catalogue import Catalogue
from libs.contracts.event import Event
from libs.contracts.routing import DossierSettled, StepRefused
from services.notify import domain
from services.notify.contacts import Contact
from services.notify.domain import Outbox
from services.notify.rules import load_rules
from services.notify.texts import fill
from services.notify.wording import Wording

FOLDER = Path(__file__).parents[3] / "catalogue"
BOOK = load_rules(FOLDER)
NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
CONTACT = Contact(
    dossier_id=uuid4(),
    code="H1",
    procedure="3.000722",
    procedure_from=date(2026, 9, 1),
    tracking_token="T",
    facility="93016",
)


def refused(*, ends: bool = False, reason: str = "no-consent") -> StepRefused:
    return StepRefused(
        step="register_residence",
        agency="a",
        outcome="refused",
        reason=reason,
        refused_at=NOW,
        ends_dossier=ends,
    )


def settled(outcome: str, reason: str = "") -> DossierSettled:
    return DossierSettled(outcome=outcome, status=8, settled_at=NOW, on_time=True, reason=reason)


def told(*events: Event, audience: str = "applicant") -> list[str]:
    """The texts after these events."""
    outbox = Outbox()
    for event in events:
        outbox = domain.plan(outbox, uuid4(), event, NOW, BOOK)
    wording = Wording(Catalogue.load(FOLDER), "http://x")
    return [
        fill(BOOK.by_code()[waiting.rule].text, waiting.occasions, wording.words(CONTACT, waiting.occasions))
        for waiting in outbox.waiting
        if waiting.audience == audience
    ]


def test_a_refused_branch_is_told_with_its_reason() -> None:
    """Family and hospital desk learn which part is not done and why, and that the rest goes on."""
    [text] = told(refused())
    assert "không giải quyết phần Đăng ký thường trú. Lý do: Chưa có sự đồng ý" in text
    assert "Các phần khác vẫn được giải quyết." in text
    [desk] = told(refused(), audience="desk")
    assert "Đăng ký thường trú. Lý do: Chưa có sự đồng ý" in desk


def test_a_grant_in_part_is_not_told_as_a_whole_one() -> None:
    """Settled in part says so; together with the refusal it is one message that says why."""
    [text] = told(settled("granted", "partial"))
    assert "được giải quyết một phần" in text
    [both] = told(refused(), settled("granted", "partial"))
    assert "được giải quyết một phần" in both
    assert "không được giải quyết. Lý do: Chưa có sự đồng ý" in both
    [whole] = told(settled("granted"))
    assert "không" not in whole


def test_a_dossier_that_ends_is_told_once_with_its_reason() -> None:
    """A refusal that ends the dossier makes one message; a reason nobody has words for leaves no gap in the text."""
    [text] = told(refused(ends=True, reason="not-eligible"), settled("refused", "not-eligible"))
    assert "bị từ chối giải quyết. Lý do: Không đủ điều kiện giải quyết theo quy định. Vui lòng đến" in text
    [plain] = told(settled("stopped", "not-in-the-catalogue"))
    assert "đã dừng giải quyết. Vui lòng đến" in plain
