"""Partners of the city in a box, to try the gateway with: software of a hospital and of the agencies of the ward."""

import asyncio
import os
import shlex
import time
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import nkeys
from joserfc import jwt
from joserfc.jwk import ECKey

from deploy.local.server_folder import ServerError, write_private
from libs.catalogue import Catalogue
from libs.database.pool import open_pool
from libs.database.transactions import Transactions
from libs.http.auth import GATEWAY
from services.gateway.partners import administration, partner_store
from services.gateway.partners.administration import By
from services.gateway.partners.keys import thumbprint
from services.gateway.partners.partner import REVOKED, Partner
from services.gateway.partners.tokens import ASSERTION_TYPE, GRANT, TOKEN_PATH
from services.gateway.straight import administration as straight
from services.gateway.straight import key_store
from services.gateway.straight import store as straight_store
from services.gateway.straight.layout import DURABLE, events_stream

CATALOGUE = Path(__file__).parents[2] / "catalogue"
BY = By("city-in-a-box", "")
KID = "thu-1"
HOSPITAL_PARTNER = "benh-vien-thu"
OTHER_HOSPITAL_PARTNER = "benh-vien-khac-thu"
DESK_PARTNER = "mot-cua-thu"
WARD_PARTNER = "ho-tich-thu"
POLICE_PARTNER = "cong-an-thu"
CARD_PARTNER = "the-bhyt-thu"
ALL_PARTNER = "bao-hiem-thu"


def _contact(code: str) -> str:
    """Who is told when its webhooks stop: nobody's address (RFC 2606), whose letters lie in the city's mail folder."""
    return f"it@{code}.example"


def _agency(code: str, name_vi: str, agency: str, *roles: str) -> Partner:
    """An agency's own software: it does its steps, and hears of the dossiers that have one."""
    return Partner(
        code=code,
        name_vi=name_vi,
        contact=_contact(code),
        agency=agency,
        roles=roles,
        types=("*",),
        reads=(f"agency/{agency}",),
    )


PARTNERS = (
    Partner(
        code=HOSPITAL_PARTNER,
        name_vi="Phần mềm bệnh viện (thử nghiệm)",
        contact=_contact(HOSPITAL_PARTNER),
        agency="hospital-93016",
        roles=("hospital",),
        types=("*",),
        reads=("facility/93016", "agency/hospital-93016"),
    ),
    Partner(
        code=OTHER_HOSPITAL_PARTNER,
        name_vi="Phần mềm bệnh viện khác (thử nghiệm)",
        contact=_contact(OTHER_HOSPITAL_PARTNER),
        agency="hospital-93108",
        roles=("hospital",),
        types=("*",),
        reads=("facility/93108", "agency/hospital-93108"),
    ),
    _agency(DESK_PARTNER, "Phần mềm một cửa phường (thử nghiệm)", "one-stop-31340-2025", "one_stop"),
    _agency(
        WARD_PARTNER,
        "Phần mềm hộ tịch phường (thử nghiệm)",
        "civil-status-31340-2025",
        "civil_status",
        "justice",
    ),
    _agency(
        POLICE_PARTNER,
        "Phần mềm cư trú công an phường (thử nghiệm)",
        "police-31340-2025",
        "police_residence",
        "police_identity",
    ),
    _agency(
        CARD_PARTNER,
        "Phần mềm cấp thẻ bảo hiểm y tế (thử nghiệm)",
        "social-insurance-nga-bay-2025",
        "social_insurance",
    ),
    Partner(
        code=ALL_PARTNER,
        name_vi="Hệ thống bảo hiểm xã hội (thử nghiệm)",
        contact=_contact(ALL_PARTNER),
        types=("*",),
        reads=("*",),
    ),
)
# Who reads and hands in by NATS as well.
ON_NATS = (HOSPITAL_PARTNER, ALL_PARTNER)
# Where the gateway of the folder's city answers, for a shell.
ADDRESS_FILE = "gateway.url"
NATS_ADDRESS_FILE = "nats.url"


async def make_partners(database_url: str, folder: Path) -> None:
    """Make every partner that is not there yet, with its key in `folder`."""
    catalogue = Catalogue.load(CATALOGUE)
    pool = await open_pool(database_url, application_name="city-in-a-box", size_max=1)
    try:
        async with Transactions(pool).transaction() as conn:
            for partner in PARTNERS:
                found = await partner_store.find(conn, partner.code)
                if found is None:
                    await administration.add(conn, administration.checked(partner, catalogue), BY)
                elif not found.contact:
                    # A city made before its partners had one.
                    await administration.change_contact(conn, partner.code, partner.contact, BY)
                await _register(conn, found or partner, folder)
            for code in ON_NATS:
                if await straight_store.noted(conn, code) is None:
                    await straight.switch_on(conn, code, "", BY)
                user_key = _user_key(folder, code)
                if user_key not in [key.public_key for key in await key_store.keys_of(conn, code)]:
                    await straight.add_key(conn, code, user_key, BY)
    finally:
        await pool.close()


async def _register(conn: Any, partner: Partner, folder: Path) -> None:
    """Have the key in `folder` count; where it was ended, as a rotation does, a fresh one under the next kid."""
    if partner.state == REVOKED:
        return
    kid = kid_of(partner.code, folder)
    mine = _key(folder, partner.code).thumbprint()
    there = next((key for key in partner.keys if kid == key.kid or thumbprint(key.jwk) == mine), None)
    if there is not None:
        if there.kid == kid and thumbprint(there.jwk) == mine and there.counts(datetime.now(UTC)):
            return
        kid = next(name for name in map("thu-{}".format, count(2)) if not partner.has_key(name))
        (folder / f"{partner.code}.pem").unlink()
        write_private(folder / f"{partner.code}.kid", kid.encode())
    public = _key(folder, partner.code).as_pem(private=False).decode()
    await administration.add_key(conn, partner.code, public, BY, kid=kid)


def kid_of(code: str, folder: Path) -> str:
    """Under which id the key of a partner in `folder` is registered."""
    path = folder / f"{code}.kid"
    return path.read_text() if path.exists() else KID


def assertion(code: str, folder: Path, audience: str) -> str:
    """What a partner of the city sends to prove itself; good for a minute."""
    now = int(time.time())
    claims = {"iss": code, "sub": code, "aud": audience, "iat": now, "exp": now + 60, "jti": str(uuid4())}
    return jwt.encode({"alg": "ES256", "kid": kid_of(code, folder)}, claims, _key(folder, code))


def token_form(code: str, folder: Path, gateway_url: str) -> dict[str, str]:
    """The form a partner asks for a token with."""
    return {
        "grant_type": GRANT,
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion(code, folder, gateway_url),
    }


def partner_token(code: str, *, folder: Path) -> str:
    """A token of a partner of the running city in `folder`, with a fresh key where the city's own was ended.

    Raises ServerError when there is none to be had.
    """
    known = [partner.code for partner in PARTNERS]
    if code not in known:
        raise ServerError(f"there is no partner {code!r}; there are: {', '.join(known)}")
    address = folder / "partners" / ADDRESS_FILE
    if not address.exists():
        raise ServerError(f"{address} is not there; start the city first (make run)")
    url = address.read_text().strip()
    answer = _ask_token(code, folder, url)
    if answer.status_code == 401:
        # Who has changed to a key of their own, and ended this one, goes on here with a fresh one.
        asyncio.run(make_partners(_database_url(folder), folder / "partners"))
        answer = _ask_token(code, folder, url)
    if answer.is_error:
        raise ServerError(f"the gateway at {url} gave no token: {answer.status_code} {_oauth_error(answer)}")
    return str(answer.json()["access_token"])


def _ask_token(code: str, folder: Path, url: str) -> httpx.Response:
    form = token_form(code, folder / "partners", url)
    try:
        return httpx.post(f"{url}{TOKEN_PATH}", data=form, trust_env=False)
    except httpx.HTTPError as error:
        raise ServerError(f"the gateway at {url} gave no token: {type(error).__name__}") from error


def _database_url(folder: Path) -> str:
    """The gateway's, as the running city has written it for an operator's shell."""
    words = shlex.split((folder / "environment" / f"{GATEWAY}.env").read_text())
    return next(word.partition("=")[2] for word in words if word.startswith("DATABASE_URL="))


def _oauth_error(answer: httpx.Response) -> str:
    """What the token endpoint says is wrong (RFC 6749 5.2), where it says it."""
    try:
        told = answer.json()
        return " ".join(str(told[name]) for name in ("error", "error_description") if told.get(name))
    except (ValueError, AttributeError):
        return ""


def how_to_read(code: str, *, folder: Path) -> list[str]:
    """What a partner's program on NATS needs, one line each. Raises ServerError when there is no such partner."""
    seed = folder / "partners" / f"{code}.nk"
    address = folder / "partners" / NATS_ADDRESS_FILE
    if not seed.exists() or not address.exists():
        raise ServerError(f"there is no partner {code!r} on NATS; start the city first (make run)")
    return [
        f"url      {address.read_text().strip()}",
        f"seed     {seed}",
        f"inbox    _INBOX_{code}",
        f"stream   {events_stream(code)}, durable {DURABLE}",
        f"hand in  inbox.{code}.<type>",
    ]


def _user_key(folder: Path, code: str) -> str:
    """The public half of the NKey a partner connects to NATS with; its seed is kept in `folder`."""
    path = folder / f"{code}.nk"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_private(path, nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER))
    pair = nkeys.from_seed(bytearray(path.read_bytes()))
    return str(pair.public_key.decode())


def _key(folder: Path, code: str) -> ECKey:
    path = folder / f"{code}.pem"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_private(path, ECKey.generate_key("P-256").as_pem(private=True))
    return ECKey.import_key(path.read_bytes())
