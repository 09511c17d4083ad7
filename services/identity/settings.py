"""Settings of identity: the only place that reads the environment."""

import os
from datetime import timedelta

from libs.process.settings import ProcessSettings, required, settings_from
from services.identity.domain import Lifetime


class Settings(ProcessSettings, frozen=True, kw_only=True):
    """What a process of identity must know besides what every process does."""

    database_url: str
    # Its private key: the one issuer that may speak for officers.
    service_key: str
    # The file with the key that TOTP secrets are sealed with: 32 random bytes in base64.
    account_key: str
    catalogue: str = "./catalogue"
    pool_size: int = 8
    session_idle_minutes: float = 30
    session_hours: float = 10
    # RFC 9106 4, second recommendation: 64 MiB, three passes.
    argon2_memory_kib: int = 65_536
    argon2_passes: int = 3
    # A provider of OpenID Connect, where the city has one; all but the last two belong together.
    openid_issuer: str = ""
    openid_client_id: str = ""
    openid_client_secret: str = ""
    # The portal's page the provider sends people back to.
    openid_redirect_url: str = ""
    # What the button says: "Đăng nhập bằng …".
    openid_name: str = ""
    # By which claim a person of the provider is found the first time: email or preferred_username; empty: never.
    openid_link_by: str = ""

    @property
    def lifetime(self) -> Lifetime:
        """How long sessions live."""
        return Lifetime(
            idle=timedelta(minutes=self.session_idle_minutes), age=timedelta(hours=self.session_hours)
        )


def read_settings() -> Settings:
    """The settings from the environment. Raises SettingsError with one clear line."""
    return settings_from(os.environ, Settings)


def migrator_url() -> str:
    """The database as its owner, for migrations only. Raises SettingsError when it is not set."""
    return required(os.environ, "MIGRATOR_DATABASE_URL")
