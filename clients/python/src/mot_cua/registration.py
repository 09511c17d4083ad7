"""The partner as the gateway knows it: what it may read, its keys and their rotation, what was done in its name."""

from datetime import datetime
from urllib.parse import quote
from uuid import uuid4

import msgspec

from mot_cua.answers import read
from mot_cua.effects import Request, Response, Steps
from mot_cua.errors import Conflict, MotCuaError
from mot_cua.keys import SigningKey
from mot_cua.moments import zoned
from mot_cua.operations import M, Resource, operation


class RegisteredKey(msgspec.Struct, frozen=True, kw_only=True):
    """A public key: it counts until `not_after`, and until it is retired. `algorithm` is ES256 or Ed25519."""

    kid: str
    algorithm: str = ""
    added_at: datetime | None = None
    not_after: datetime | None = None
    retired_at: datetime | None = None


class Partner(msgspec.Struct, frozen=True, kw_only=True):
    """In whose name this program acts (`agency`, `facility`, `roles`), and what it may read.

    `types` are patterns of events, `reads` whose dossiers. `sandbox`: nobody at this gateway exists.
    """

    code: str
    name_vi: str = ""
    contact: str = ""
    state: str = ""
    agency: str = ""
    facility: str = ""
    roles: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    keys: tuple[RegisteredKey, ...] = ()
    sandbox: bool = False


class Deed(msgspec.Struct, frozen=True, kw_only=True):
    """Something done to the partner or given to it, by whom and from where."""

    at: datetime
    what: str
    detail: str = ""
    who: str = ""
    came_from: str = ""


class ReadingNoted(msgspec.Struct, frozen=True, kw_only=True):
    """Events read: calls of one moment and address together."""

    began_at: datetime
    came_from: str = ""
    way: str = ""
    calls: int = 0
    events: int = 0


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """What was done and what was read, newest first."""

    deeds: tuple[Deed, ...] = ()
    readings: tuple[ReadingNoted, ...] = ()


class _Added(msgspec.Struct, frozen=True):
    kid: str


class Registration(Resource[M]):
    """The partner's own entry. Every operation raises a Problem when the gateway refuses."""

    @operation
    def get(self) -> Steps[Partner]:
        """The partner as it is registered now, with every key it has had."""
        response = yield from self._ask("GET", "")
        return read(response, Partner)

    @operation
    def audit(self, *, limit: int = 50) -> Steps[Audit]:
        """What was done and what was read, at most so many of each (200)."""
        response = yield from self._ask("GET", f"/audit?limit={limit}")
        return read(response, Audit)

    @operation
    def add_key(self, public: str, *, kid: str = "", not_after: datetime | None = None) -> Steps[str]:
        """Register one more public key, JWK or PEM: its kid. `not_after` carries its zone.

        Raises Conflict when there is, or was, a key of this kid (`key-exists`), or this key under another kid
        (`key-known`).
        """
        return self._add(public, kid, not_after)

    @operation
    def rotate_key(self, key: SigningKey) -> Steps[str | None]:
        """Register the public half of `key`, prove by it that it counts, and use it from now on: the old key's kid.

        None when `key` is in use already (said a second time): then there is no old one here, and nothing to retire.

        The old one goes on counting, for programs that still use it, until `retire_key`. Save the new key before: a
        program killed here says it again, and it goes on. Raises CredentialsRefused when its kid is another key's;
        the old key is in use then as before.
        """
        session, old = self.session, self.session.key
        try:
            yield from self._add(key.public_jwk(), key.kid, None)
        except Conflict as conflict:
            if conflict.code != "key-exists":
                raise
        session.use_key(key)
        try:
            yield from session.token()
        except MotCuaError:
            session.use_key(old)
            raise
        return None if old.kid == key.kid else old.kid

    @operation
    def retire_key(self, kid: str) -> Steps[None]:
        """End a key, and within ten seconds the tokens it got.

        Raises NotFound when it has ended, or was never there; Conflict `last-key` for the only one that counts.
        """
        yield from self._ask("DELETE", f"/keys/{quote(kid, safe='')}")

    def _add(self, public: str, kid: str, not_after: datetime | None) -> Steps[str]:
        body = {"key": public, "kid": kid, "not_after": zoned(not_after) if not_after else None}
        response = yield from self._ask("POST", "/keys", msgspec.json.encode(body))
        return read(response, _Added).kid

    def _ask(self, method: str, path: str, content: bytes = b"") -> Steps[Response]:
        headers = {"content-type": "application/json"} if content else {}
        if method == "POST":
            # Tried again under the same key it is the same deed.
            headers["idempotency-key"] = str(uuid4())
        url = self.session.address(f"/partner{path}")
        return self.session.call(Request(method=method, url=url, headers=headers, content=content))
