"""Codes of the officers' authenticator applications, for sign-in after sign-in within one half minute."""

import asyncpg
import pyotp

from deploy.local.accounts import StaffAccount
from deploy.local.city import City


class Codes:
    """Each code is accepted once (tests/integration/identity/test_second_factor.py)."""

    def __init__(self, city: City) -> None:
        self._city = city

    async def fresh(self, account: StaffAccount) -> str:
        """The code of now. Whoever would have to wait for the next has waited: the last one used is long ago."""
        connection = await asyncpg.connect(self._city.dsn("identity", "migrator"), timeout=10)
        try:
            await connection.execute(
                "UPDATE account SET totp_last_step = 0 WHERE login = $1", account.login, timeout=10
            )
        finally:
            await connection.close(timeout=10)
        return pyotp.TOTP(account.totp_secret).now()
