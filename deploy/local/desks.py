"""Tokens of the people of the city in a box, for curl: `python -m deploy.local token hospital`."""

from datetime import datetime
from pathlib import Path

from deploy.local.agencies import posts_of
from deploy.local.officials import COUNTER, COUNTER_2, HOSPITAL, LEADER, OPERATOR, TOKEN_SECONDS, Post
from deploy.local.server_folder import ServerError
from deploy.programs import DATABASES
from libs.catalogue import Catalogue
from libs.catalogue.calendar import VIETNAM
from libs.http.auth import IDENTITY, TokenSigner

NAMED = {
    "hospital": HOSPITAL,
    "counter": COUNTER,
    "counter-2": COUNTER_2,
    "leader": LEADER,
    "operator": OPERATOR,
}


def desks(catalogue: Catalogue) -> dict[str, Post]:
    """Every desk by the name it is asked for: the ones above, and an agency that does steps by its code."""
    today = datetime.now(VIETNAM).date()
    return NAMED | {post.agency: post for post in posts_of(catalogue, today)}


def token_for(name: str, *, folder: Path, catalogue: Path) -> str:
    """A token of the desk `name`, good for half an hour at every service of the city in `folder`.

    Raises ServerError when there is no such desk, or no city yet.
    """
    known = desks(Catalogue.load(catalogue))
    if name not in known:
        raise ServerError(f"there is no desk {name!r}; there are: {', '.join(known)}")
    key = folder / "keys" / f"{IDENTITY}.pem"
    if not key.exists():
        raise ServerError(f"{key} is not there; start the city first (make run)")
    post = known[name]
    return TokenSigner.from_file(IDENTITY, key).token(
        DATABASES,
        subject=post.subject,
        kind="officer",
        agency=post.agency,
        roles=post.roles,
        facility=post.facility,
        ttl_seconds=TOKEN_SECONDS,
    )
