"""Settings: a frozen Struct filled from environment variables, wrong ones named in one line.

class Settings(ServiceSettings, frozen=True, kw_only=True):
    signing_key: str

settings = settings_from(os.environ, Settings)      # in the service's settings.py, the one reader of os.environ
"""

import ipaddress
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

import msgspec

from libs.catalogue.errors import CatalogueError
from libs.http.limits import Network


class SettingsError(Exception):
    """A setting is missing or wrong; the message names it, never its value."""


class ProcessSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What every process that answers HTTP must know. The variable of a field is its name in upper case."""

    public_keys: str
    http_host: str = "127.0.0.1"
    http_port: int = 8000
    log_level: str = "INFO"
    otlp_endpoint: str = ""
    # How long readiness is false before a stopping process closes its port (libs.http.serve).
    unready_seconds: float = 5.0
    # Networks (CIDR, separated by commas) whose X-Forwarded-For is believed: the entrance before us. Without it every
    # citizen behind the entrance would share one rate limit.
    trusted_proxies: str = ""
    # Networks that may read /metrics and /openapi.json without an operator's token.
    scrape_networks: str = "127.0.0.0/8,::1/128"


class ServiceSettings(ProcessSettings, frozen=True, kw_only=True):
    """What a service on the bus must know besides: its database, NATS, the catalogue."""

    database_url: str
    nats_url: str
    catalogue: str = "./catalogue"
    pool_size: int = 8


T = TypeVar("T", bound=msgspec.Struct)


def settings_from(environment: Mapping[str, str], type_: type[T]) -> T:
    """The settings of `type_`; an empty variable counts as not given. Raises SettingsError."""
    given: dict[str, str] = {}
    missing: list[str] = []
    for field in msgspec.structs.fields(type_):
        value = environment.get(field.name.upper(), "")
        if value != "":
            given[field.name] = value
        elif field.required:
            missing.append(field.name.upper())
    if missing:
        raise SettingsError(f"{', '.join(missing)} missing")
    try:
        return msgspec.convert(given, type_, strict=False)
    except msgspec.ValidationError as error:
        # "Expected `int`, got `str` - at `$.http_port`": what was expected and where, never what was given.
        what, _, place = str(error).replace("`", "").rpartition(" - at $.")
        raise SettingsError(f"{place.upper()}: {what.split(', got', 1)[0].lower()}") from None


def networks_of(setting: str, text: str) -> tuple[Network, ...]:
    """The networks of a setting. Raises SettingsError naming it."""
    try:
        return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError:
        raise SettingsError(f"{setting}: expected networks such as 10.0.0.0/8") from None


def required(environment: Mapping[str, str], name: str) -> str:
    """One variable that must be there. Raises SettingsError."""
    value = environment.get(name, "")
    if not value:
        raise SettingsError(f"{name} missing")
    return value


@contextmanager
def named(variable: str) -> Iterator[None]:
    """What fails inside, fails because of this variable: a file it names is missing or wrong. Raises SettingsError."""
    try:
        yield
    except (OSError, ValueError, CatalogueError) as error:
        text = error.strerror or type(error).__name__ if isinstance(error, OSError) else str(error)
        raise SettingsError(f"{variable}: {text}") from None
