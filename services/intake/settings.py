"""Settings of intake: the only place that reads the environment."""

import os

from libs.catalogue import Limit
from libs.process.settings import ServiceSettings, required, settings_from
from libs.storage.archive import StorageSettings


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


def read_settings() -> Settings:
    """The settings from the environment. Raises SettingsError with one clear line."""
    return settings_from(os.environ, Settings)


def storage_settings() -> StorageSettings:
    """What the archive needs to reach its store."""
    return settings_from(os.environ, StorageSettings)


def migrator_url() -> str:
    """The database as its owner, for migrations only. Raises SettingsError when it is not set."""
    return required(os.environ, "MIGRATOR_DATABASE_URL")
