"""Settings of routing: the only place that reads the environment."""

import os
from collections.abc import Mapping

import msgspec

from services.routing.rules import Numbers


class SettingsError(Exception):
    """A setting is missing or wrong; the message names it, never its value."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a process of routing must know; the variables have these names in upper case."""

    database_url: str
    nats_url: str
    public_keys: str
    http_host: str = "127.0.0.1"
    http_port: int = 8002
    migrator_database_url: str = ""
    catalogue: str = "./catalogue"
    pool_size: int = 8
    log_level: str = "INFO"
    otlp_endpoint: str = ""
    timer_poll_seconds: float = 1.0
    unready_seconds: float = 5.0
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


_REQUIRED = ("database_url", "nats_url", "public_keys")


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings from the environment. Raises SettingsError with one clear line."""
    given = {
        name: value
        for name in Settings.__struct_fields__
        if (value := environment.get(name.upper(), "")) != ""
    }
    missing = [name.upper() for name in _REQUIRED if name not in given]
    if missing:
        raise SettingsError(f"{', '.join(missing)} missing")
    try:
        return msgspec.convert(given, Settings, strict=False)
    except msgspec.ValidationError as error:
        what, _, place = str(error).rpartition(" - at ")
        name = place.strip("`").removeprefix("$.").upper()
        raise SettingsError(f"{name}: {what.replace('`', '')}") from None


def migrator_url(environment: Mapping[str, str] = os.environ) -> str:
    """The database as its owner, for migrations only. Raises SettingsError when it is not set."""
    url = environment.get("MIGRATOR_DATABASE_URL", "")
    if not url:
        raise SettingsError("MIGRATOR_DATABASE_URL is missing")
    return url
