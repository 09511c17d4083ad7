"""Settings: a frozen Struct filled from environment variables, wrong ones named in one line.

class Settings(ServiceSettings, frozen=True, kw_only=True):
    signing_key: str

settings = settings_from(os.environ, Settings)      # in the service's settings.py, the one reader of os.environ
"""

from collections.abc import Mapping
from typing import TypeVar

import msgspec


class SettingsError(Exception):
    """A setting is missing or wrong; the message names it, never its value."""


class ServiceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What every service must know. The variable of a field is its name in upper case."""

    database_url: str
    nats_url: str
    public_keys: str
    http_host: str = "127.0.0.1"
    http_port: int = 8000
    catalogue: str = "./catalogue"
    pool_size: int = 8
    log_level: str = "INFO"
    otlp_endpoint: str = ""
    # How long readiness is false before a stopping process closes its port (libs.http.serve).
    unready_seconds: float = 5.0


T = TypeVar("T", bound=msgspec.Struct)


def settings_from(environment: Mapping[str, str], type_: type[T]) -> T:
    """The settings of `type_`; an empty variable counts as not given. Raises SettingsError."""
    given = {
        name: value for name in type_.__struct_fields__ if (value := environment.get(name.upper(), "")) != ""
    }
    try:
        return msgspec.convert(given, type_, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(_without_value(str(error))) from None


def required(environment: Mapping[str, str], name: str) -> str:
    """One variable that must be there. Raises SettingsError."""
    value = environment.get(name, "")
    if not value:
        raise SettingsError(f"{name} is missing")
    return value


def _without_value(text: str) -> str:
    """msgspec names the field (`$.http_port`) and what it expected; a value it repeats is cut off."""
    return text.replace("`", "").split(", got", 1)[0].replace("$.", "").replace("object missing", "missing")
