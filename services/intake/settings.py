"""Settings of intake: the only place that reads the environment."""

import os

import msgspec

from libs.catalogue import Limit
from libs.process.settings import ServiceSettings, required, settings_from


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """What a process of intake must know besides what every service does."""

    public_url: str
    storage_url: str
    # The term promised, in working days, where no source gives the procedure's own; 0: none, the officer states it.
    default_limit_working_days: int = 0
    # What one address may ask without a login.
    public_per_second: float = 1.0
    public_burst: int = 30

    @property
    def default_limit(self) -> Limit | None:
        """The city's term for procedures without one."""
        days = self.default_limit_working_days
        return Limit(unit="working_day", amount=days) if days > 0 else None


class StorageSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Access to an S3 store, under the names its programs know; a folder needs none of it."""

    aws_access_key_id: str = ""
    aws_secret_access_key: str = ""
    aws_region: str = ""
    aws_endpoint: str = ""
    aws_allow_http: str = ""


def read_settings() -> Settings:
    """The settings from the environment. Raises SettingsError with one clear line."""
    return settings_from(os.environ, Settings)


def storage_options() -> dict[str, str]:
    """What the archive needs to reach its store."""
    given = settings_from(os.environ, StorageSettings)
    return {name: value for name, value in msgspec.structs.asdict(given).items() if value}


def migrator_url() -> str:
    """The database as its owner, for migrations only. Raises SettingsError when it is not set."""
    return required(os.environ, "MIGRATOR_DATABASE_URL")
