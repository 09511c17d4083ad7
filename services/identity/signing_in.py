"""Signing in, step by step: password, second factor, new password, until the session gives tokens."""

from typing import Any

import msgspec

from libs.database.transactions import Transactions
from libs.http.problems import Problem
from libs.process.sealing import Sealer
from libs.telemetry.logs import log
from libs.telemetry.metrics import counter
from services.identity import attempt_store, domain, one_time_codes, refusals, session_store, store
from services.identity.domain import Account, Lifetime, Session
from services.identity.lockout import ACCOUNT, ADDRESS, SECOND_FACTOR, address_key
from services.identity.passwords import Passwords, why_not
from services.identity.sealing import hash_of, new_token

_TRIES = counter("sign_in_tries_total")


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A session's token, which the person keeps, and what must be done next ("" when it is complete)."""

    session: str
    needs: str


class Enrolment(msgspec.Struct, frozen=True, kw_only=True):
    """A second factor to be confirmed: the secret in base 32, and the URI for a QR code."""

    secret: str
    uri: str


class SignIn:
    """The steps; each is heard only so often, and each rise of rights gives the session another token."""

    def __init__(
        self, transactions: Transactions, passwords: Passwords, sealer: Sealer, lifetime: Lifetime
    ) -> None:
        self._transactions = transactions
        self._passwords = passwords
        self._sealer = sealer
        self._lifetime = lifetime

    async def with_password(self, login: str, password: str, address: str) -> Standing:
        """A session for who knows the password. Raises Problem 401, or 429 when it was wrong too often.

        An unknown login, a wrong password and a disabled account take the same statements and the same hashing.
        """
        login = login.strip().casefold()
        keys = [account_key(login), (ADDRESS, address_key(address))]
        await self._count(keys)
        async with self._transactions.transaction() as conn:
            account = await store.find(conn, login)
        right = await self._passwords.verify(account.password_hash if account else "", password)
        if account is None or account.disabled_at is not None or not right:
            await self._failed("sign-in-failed", account, keys[0], address)
            raise refusals.wrong_credentials()
        async with self._transactions.transaction() as conn:
            now = await store.find(conn, login, lock=True)
            if now is None or now.disabled_at is not None or now.password_hash != account.password_hash:
                raise refusals.wrong_credentials()
            await attempt_store.succeeded(conn, keys)
            standing = await self._begin(conn, now, domain.PASSWORD, address)
        await self._keep_current(account, password)
        return standing

    async def with_openid(self, conn: Any, account: Account, address: str) -> Standing:
        """A session for whom the provider vouches, in the caller's transaction."""
        return await self._begin(conn, account, domain.OPENID, address)

    async def second_factor(self, token: str, code: str) -> Standing:
        """The session with its second factor shown. Raises Problem 401, 409 when none is asked for, or 429."""
        session = await self.live(token)
        if domain.needs(session) != domain.TOTP or session.account.totp_secret is None:
            raise Problem(409, "second-factor-not-asked", "Phiên này không cần mã xác thực")
        secret = self._sealer.open(session.account.totp_secret, session.account.id)
        key = (SECOND_FACTOR, str(session.account.id))
        await self._count([key])
        async with self._transactions.transaction() as conn:
            session = await self._locked(conn, token)
            account = session.account
            step = one_time_codes.accepted_step(secret, code, session.now, account.totp_last_step)
            if step is not None and await store.use_step(conn, account.id, step):
                await attempt_store.succeeded(conn, [key])
                await _record(conn, "second-factor-passed", session)
                return await self._rise(conn, session, second_factor=True)
        await self._failed("second-factor-failed", session.account, key, session.address)
        raise refusals.wrong_code()

    async def start_enrolment(self, token: str) -> Enrolment:
        """A new second factor for an account that has none. Raises Problem 401 or 409."""
        async with self._transactions.transaction() as conn:
            session = await self._locked(conn, token)
            _may_enrol(session)
            secret = one_time_codes.new_secret()
            await session_store.keep_pending(
                conn, session.token_hash, self._sealer.seal(secret, session.account.id)
            )
        return Enrolment(secret=secret, uri=one_time_codes.enrolment_uri(secret, session.account.login))

    async def finish_enrolment(self, token: str, code: str) -> Standing:
        """The second factor is kept when its first code is right. Raises Problem 401, 409 or 429."""
        session = await self.live(token)
        key = (SECOND_FACTOR, str(session.account.id))
        await self._count([key])
        async with self._transactions.transaction() as conn:
            session = await self._locked(conn, token)
            _may_enrol(session)
            if session.totp_pending is None:
                raise Problem(409, "enrolment-not-started", "Chưa bắt đầu đăng ký mã xác thực")
            account = session.account
            secret = self._sealer.open(session.totp_pending, account.id)
            step = one_time_codes.accepted_step(secret, code, session.now, 0)
            if step is not None:
                await attempt_store.succeeded(conn, [key])
                await store.set_totp(conn, account.id, session.totp_pending, step)
                # Whoever was signed in with less is not any more.
                await session_store.end_all(conn, account.id, but=session.token_hash)
                await _record(conn, "second-factor-enrolled", session)
                return await self._rise(conn, session, second_factor=True)
        await self._failed("second-factor-failed", session.account, key, session.address)
        raise refusals.wrong_code()

    async def change_password(self, token: str, old: str, new: str) -> Standing:
        """Another password; the account's other sessions end. Raises Problem 401, 409, 422 or 429."""
        session = await self.live(token)
        account = session.account
        if domain.needs(session) == domain.TOTP:
            raise Problem(409, "second-factor-first", "Hãy nhập mã xác thực trước khi đổi mật khẩu")
        if wrong := why_not(new, login=account.login, old=old):
            raise refusals.bad_password(wrong)
        key = account_key(account.login)
        await self._count([key])
        if not await self._passwords.verify(account.password_hash, old):
            await self._failed("password-change-failed", account, key, session.address)
            raise refusals.wrong_credentials()
        hashed = await self._passwords.hash(new)
        async with self._transactions.transaction() as conn:
            session = await self._locked(conn, token)
            if session.account.password_hash != account.password_hash:
                raise refusals.session_ended()
            await attempt_store.succeeded(conn, [key])
            await store.set_password(conn, account.id, hashed, must_change=False)
            await session_store.end_all(conn, account.id, but=session.token_hash)
            await _record(conn, "password-changed", session)
            return await self._rise(conn, session, second_factor=session.second_factor)

    async def complete(self, token: str, *, active: bool = True) -> Session:
        """The session if nothing is missing, in use now if `active`. Raises Problem 401 that says what is (`needs`)."""
        async with self._transactions.transaction() as conn:
            session = await session_store.find(conn, hash_of(token))
            if session is None or domain.has_ended(session, self._lifetime):
                raise refusals.session_ended()
            if missing := domain.needs(session):
                ended = refusals.session_ended()
                ended.extra["needs"] = missing
                raise ended
            if active:
                await session_store.note_use(conn, session)
        return session

    async def end(self, token: str) -> None:
        """End the session, if there is one."""
        async with self._transactions.transaction() as conn:
            session = await session_store.find(conn, hash_of(token), lock=True)
            if session is not None:
                await session_store.end(conn, session.token_hash)
                await _record(conn, "signed-out", session)

    async def live(self, token: str) -> Session:
        """The session, whatever it still needs. Raises Problem 401."""
        async with self._transactions.transaction() as conn:
            session = await session_store.find(conn, hash_of(token))
        if session is None or domain.has_ended(session, self._lifetime):
            raise refusals.session_ended()
        return session

    async def _locked(self, conn: Any, token: str) -> Session:
        session = await session_store.find(conn, hash_of(token), lock=True)
        if session is None or domain.has_ended(session, self._lifetime):
            raise refusals.session_ended()
        return session

    async def _count(self, keys: list[attempt_store.Key]) -> None:
        async with self._transactions.transaction() as conn:
            wait = await attempt_store.begin(conn, keys)
        if wait > 0:
            _TRIES.labels(outcome="locked").inc()
            raise refusals.locked(wait)

    async def _failed(self, what: str, account: Account | None, key: attempt_store.Key, address: str) -> None:
        """Note the failure (of nobody when the login is unknown: it may be a password typed into the wrong field)."""
        account_id, actor = (account.id, account.login) if account else (None, "")
        async with self._transactions.transaction() as conn:
            await store.record(conn, what, account_id=account_id, actor=actor, address=address)
            if await attempt_store.locked(conn, key):
                await store.record(conn, "locked", account_id=account_id, actor=actor, address=address)
        _TRIES.labels(outcome="failed").inc()
        log.info("sign-in-refused", reason=what)

    async def _begin(self, conn: Any, account: Account, via: str, address: str) -> Standing:
        token = new_token()
        await session_store.begin(conn, hash_of(token), account.id, via, address)
        await store.record(
            conn, f"signed-in-{via}", account_id=account.id, actor=account.login, address=address
        )
        _TRIES.labels(outcome="passed").inc()
        session = await session_store.find(conn, hash_of(token))
        if session is None:
            raise RuntimeError("a session of this transaction is there")
        return Standing(session=token, needs=domain.needs(session))

    async def _rise(self, conn: Any, session: Session, *, second_factor: bool) -> Standing:
        token = new_token()
        await session_store.rotate(conn, session.token_hash, hash_of(token), second_factor=second_factor)
        risen = await self._locked(conn, token)
        return Standing(session=token, needs=domain.needs(risen))

    async def _keep_current(self, account: Account, password: str) -> None:
        """Hash with today's parameters what was hashed with earlier ones."""
        if self._passwords.is_outdated(account.password_hash):
            hashed = await self._passwords.hash(password)
            async with self._transactions.transaction() as conn:
                await store.rehash(conn, account.id, account.password_hash, hashed)


def account_key(login: str) -> attempt_store.Key:
    """Where failures of a login are counted; as a hash, for it may be a password typed into the wrong field."""
    return ACCOUNT, hash_of(login).hex()


def _may_enrol(session: Session) -> None:
    """Raises Problem 409: a second factor is replaced only by an administrator, who knows the person."""
    if session.account.totp_secret is not None:
        raise Problem(409, "second-factor-there", "Tài khoản đã có mã xác thực")
    if domain.needs(session) == domain.NEW_PASSWORD:
        raise Problem(409, "new-password-first", "Hãy đổi mật khẩu trước")


async def _record(conn: Any, what: str, session: Session) -> None:
    account = session.account
    await store.record(conn, what, account_id=account.id, actor=account.login, address=session.address)
