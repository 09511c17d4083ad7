"""The births the gateway's sandbox makes up: taken by intake's own rules, and seen at a glance to be made up."""

import json
import random
from datetime import date

from libs.catalogue import Catalogue
from libs.catalogue.made_up_names import MadeUpNames
from libs.http.bodies import decode_body
from services.gateway.sandbox.synthetic import CERTIFICATE_PREFIX, EMAIL_HOST, SERIAL_FIRST, birth
from services.intake.api import NewBirth
from services.intake.birth_rules import check_declaration
from tests.fixtures.servers import ROOT

TODAY = date(2026, 11, 27)
NAMES = MadeUpNames.load(ROOT / "catalogue")


def made(seed: int) -> NewBirth:
    """One of them, as intake reads it."""
    pick = random.Random(seed)  # noqa: S311 - people who do not exist need no secrecy
    body = birth(pick, NAMES, facility="93016", facility_name="Bệnh viện Ngã Bảy", today=TODAY)
    return decode_body(json.dumps(body).encode(), NewBirth)


def test_every_birth_of_the_sandbox_holds_to_the_rules() -> None:
    """No error and no warning, whatever is picked: what follows is the ordinary way of a dossier."""
    units = Catalogue.load(ROOT / "catalogue").units
    for seed in range(300):
        assert check_declaration(made(seed).declaration(), today=TODAY, units=units) == []


def test_nobody_can_take_them_for_real() -> None:
    """Certificates, identity numbers and addresses lie where no real ones do."""
    for seed in range(300):
        declared = made(seed)
        assert declared.certificate.number.startswith(CERTIFICATE_PREFIX)
        assert int(declared.mother.document.number[-6:]) >= SERIAL_FIRST
        assert declared.mother.contact.email.endswith(f"@{EMAIL_HOST}")


def test_the_same_key_makes_the_same_birth() -> None:
    """A repeated request is the same request; another one is another child."""
    assert made(1) == made(1)
    assert len({made(seed).certificate.number for seed in range(300)}) == 300
