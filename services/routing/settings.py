"""Settings of routing: the only place that reads the environment."""

import os

from libs.process.settings import ServiceSettings, required, settings_from
from services.routing.rules import Numbers


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """What a process of routing must know besides what every service does."""

    timer_poll_seconds: float = 1.0
    near_days: int = 1
    apologies_max: int = 1
    apology_extension_days: int = 2

    @property
    def numbers(self) -> Numbers:
        """The numbers the city has set."""
        return Numbers(
            near_days=self.near_days,
            apologies_max=self.apologies_max,
            apology_extension_days=self.apology_extension_days,
        )


def read_settings() -> Settings:
    """The settings from the environment. Raises SettingsError with one clear line."""
    return settings_from(os.environ, Settings)


def migrator_url() -> str:
    """The database as its owner, for migrations only. Raises SettingsError when it is not set."""
    return required(os.environ, "MIGRATOR_DATABASE_URL")
