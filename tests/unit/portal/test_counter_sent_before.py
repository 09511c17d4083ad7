"""A form that was received, lost its answer, and was changed before it was sent again."""

import json
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest

from libs.http.client import Refused
from services.portal.assets import PACKAGED, Assets
from services.portal.counter.drafts import KEY_ANEW, Draft
from services.portal.counter.receipts import KEY_USED, SentBefore, made_by, sent_before
from services.portal.forms.fields import APPLICANT
from services.portal.rendering import Renderer
from services.portal.sessions import Person

DOSSIER = uuid4()
NOBODY = cast(Person, None)


@pytest.fixture
def renderer(tmp_path: Path) -> Renderer:
    """The portal's pages; what is packaged with them is empty here."""
    for name in PACKAGED.values():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    return Renderer(Assets(tmp_path), help_phone="")


def desk(renderer: Renderer, draft: Draft, sent: SentBefore | None) -> str:
    """The counter's desk without a procedure."""
    context: dict[str, Any] = {
        "csrf": "x", "draft": draft, "sheet": None, "problems": (), "received": None, "known": "", "sent": sent,
        "waiting": 0, "origins": {}, "applicant": APPLICANT,
    }  # fmt: skip
    return str(renderer.fragment("counter/desk.html", "desk", context))


def test_the_dossier_that_the_key_made_is_read_from_the_refusal() -> None:
    """The Location of the first answer; anything else names no dossier."""
    assert made_by(json.dumps({"made": f"/dossiers/{DOSSIER}"}).encode()) == DOSSIER
    for answer in (b"", b"{}", b"\xff", b'{"made": 7}', b'{"made": "/uploads/1"}'):
        assert made_by(answer) is None


async def test_only_a_used_key_means_that_the_form_was_received() -> None:
    """Another refusal is shown as what it is; a used key without its dossier leaves the number to look for."""
    assert await sent_before(NOBODY, Refused("intake", 422, "invalid-content"), "1") is None
    found = await sent_before(NOBODY, Refused("intake", 422, KEY_USED, answer=b"{}"), "092300000001")
    assert found == SentBefore(code="", number="092300000001")


@pytest.mark.parametrize("code", ["31340-261127-0001", ""])
def test_the_officer_is_told_and_chooses(renderer: Renderer, code: str) -> None:
    """The first dossier, a way to look for it, and a choice that is not made for them; the form keeps its key."""
    shown = desk(renderer, Draft(typed={"khoa": "first"}), SentBefore(code=code, number="092300000001"))
    assert "đã được tiếp nhận ở lần gửi trước" in shown
    assert (f'href="/ho-so/{code}"' in shown) == bool(code)
    assert '<input type="hidden" name="q" value="092300000001">' in shown
    assert 'name="khoa" value="first"' in shown
    box = shown.split(f'name="{KEY_ANEW}"')[1].split(">")[0]
    assert "checked" not in box
    assert "khoa-moi" not in desk(renderer, Draft(typed={"khoa": "first"}), None)


def test_a_second_dossier_has_its_own_key_only_when_it_is_wanted(renderer: Renderer) -> None:
    """The same key every time it is sent, and the desk shown again keeps it."""
    assert Draft(typed={"khoa": "first"}).key == "first"
    wanted = Draft(typed={"khoa": "first", KEY_ANEW: "second"})
    assert wanted.key == "second"
    assert 'name="khoa" value="second"' in desk(renderer, wanted, None)
