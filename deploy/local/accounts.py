"""The accounts of the day: one for every desk and every partner, with a random password and, for those who sign or
speak for a partner, a second factor.
"""

from pathlib import Path

import msgspec
from pyotp import TOTP

from deploy.local.desks import desks
from deploy.local.officials import Post
from deploy.local.partners import PARTNERS
from deploy.local.remembered import Remembered
from deploy.local.server_folder import ServerError, write_private
from libs.catalogue import Catalogue
from libs.database.pool import open_pool
from libs.database.transactions import Transactions
from libs.process.sealing import Sealer, new_sealing_key
from services.identity import administration, store
from services.identity.administration import Directory, NewAccount
from services.identity.domain import needs_second_factor
from services.identity.one_time_codes import new_secret
from services.identity.passwords import Passwords

CATALOGUE = Path(__file__).parents[2] / "catalogue"
ACTOR = "city-in-a-box"
# These passwords are random: argon2 need not make guessing dear. RFC 9106 wants 8 KiB a lane at least.
HASHING = {"memory_kib": 1024, "passes": 1}
# Logins of those who tend what a partner has at the gateway.
INTEGRATOR = "tich-hop-{partner}"
_PERSONAL_VI = {"leader": "Lãnh đạo", "operator": "Vận hành hệ thống", "account_admin": "Quản trị tài khoản"}


class StaffAccount(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody needs to sign in: `totp_secret` (base 32) is empty for who has no second factor.

    `desk` is the partner's code for who is of a partner.
    """

    desk: str
    login: str
    name: str
    password: str
    totp_secret: str
    roles_vi: str


def make_sealing_key(path: Path) -> None:
    """A key that secrets are sealed with (second factors, those of webhooks), made once."""
    if not path.exists():
        write_private(path, new_sealing_key())


def staff(remembered: Remembered, catalogue: Catalogue) -> list[StaffAccount]:
    """The account of every desk and every partner; passwords and secrets are made once and remembered."""
    names = {role.code: role.name_vi for role in catalogue.roles.values()} | _PERSONAL_VI
    found = []
    for desk, post in desks(catalogue).items():
        roles_vi = ", ".join(names[role] for role in post.roles)
        found.append(
            StaffAccount(
                desk=desk,
                login=post.subject,
                name=_name(post, catalogue),
                password=remembered.password(f"account_{post.subject}"),
                totp_secret=(
                    remembered.secret(f"totp_{post.subject}", new_secret)
                    if needs_second_factor(post.roles)
                    else ""
                ),
                roles_vi=roles_vi,
            )
        )
    for partner in PARTNERS:
        login = INTEGRATOR.format(partner=partner.code)
        found.append(
            StaffAccount(
                desk=partner.code,
                login=login,
                name=f"Người tích hợp, {partner.name_vi}",
                password=remembered.password(f"account_{login}"),
                totp_secret=remembered.secret(f"totp_{login}", new_secret),
                roles_vi="Cổng tích hợp /dev",
            )
        )
    return found


def code_for(login: str, *, folder: Path, catalogue: Path) -> str:
    """What an authenticator program shows now for an account of the city in `folder`.

    Raises ServerError when there is no such account, or it has no second factor.
    """
    found = {each.login: each for each in staff(Remembered(folder), Catalogue.load(catalogue))}
    if login not in found or not found[login].totp_secret:
        known = ", ".join(each.login for each in found.values() if each.totp_secret)
        raise ServerError(f"no account with a second factor is called {login!r}; there are: {known}")
    return TOTP(found[login].totp_secret).now()


async def make_accounts(database_url: str, remembered: Remembered, account_key: Path) -> list[StaffAccount]:
    """Make every account that is not there yet, and return them all."""
    catalogue = Catalogue.load(CATALOGUE)
    known = {post.subject: post for post in desks(catalogue).values()}
    accounts = staff(remembered, catalogue)
    directory, sealer, passwords = Directory(catalogue), Sealer.from_file(account_key), Passwords(**HASHING)
    pool = await open_pool(database_url, application_name="city-in-a-box", size_max=1)
    try:
        async with Transactions(pool).transaction() as conn:
            for each in accounts:
                if await store.find(conn, each.login) is not None:
                    continue
                new = _new(each, known.get(each.login))
                hashed = await passwords.hash(each.password)
                account = directory.account(new, hashed, must_change=False)
                if each.totp_secret:
                    sealed = sealer.seal(each.totp_secret, account.id)
                    account = msgspec.structs.replace(account, totp_secret=sealed)
                await administration.add(conn, account, actor=ACTOR)
    finally:
        await passwords.close()
        await pool.close()
    return accounts


def _new(account: StaffAccount, post: Post | None) -> NewAccount:
    """What identity is asked for: somebody at a desk, or, without one, of the partner."""
    if post is None:
        return NewAccount(login=account.login, name=account.name, partner=account.desk)
    return NewAccount(
        login=account.login, name=account.name, roles=post.roles, agency=post.agency, counter=_counter(post)
    )


def _name(post: Post, catalogue: Catalogue) -> str:
    """Who sits there, in words: the agency, or what the person does."""
    if post.agency:
        return catalogue.agency(post.agency).name_vi
    return ", ".join(_PERSONAL_VI[role] for role in post.roles)


def _counter(post: Post) -> str:
    """The number of the counter, which ends the login of who sits at one; of who declares births, the ward."""
    if "hospital" in post.roles:
        return "Khoa Phụ sản"
    return post.subject.rpartition("-")[2].lstrip("0") if "one_stop" in post.roles else ""
