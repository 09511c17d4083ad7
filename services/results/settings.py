"""Settings of results: the only place that reads the environment."""

import os

from libs.process.settings import ServiceSettings, required, settings_from
from libs.storage.archive import StorageSettings
from services.results.press import PressSettings
from services.results.signing_keys import SigningKey, SigningKeys


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """What a process of results must know besides what every service does."""

    service_key: str
    intake_url: str
    routing_url: str
    public_url: str
    storage_url: str
    signing_key: str = ""
    signing_certificate: str = ""
    signing_chain: str = ""
    # A folder with one folder of three files for each agency that has a key of its own, named by its code.
    signing_agencies: str = ""
    city_name: str = "Ngã Bảy"
    # Off where the agencies' own software makes the papers: results are then records without a document.
    render_documents: bool = True
    press_workers: int = 1
    press_batch: int = 32
    press_poll_seconds: float = 1.0
    verify_per_second: float = 2.0
    verify_burst: int = 20

    @property
    def signing(self) -> SigningKeys:
        """The files that sign documents."""
        own = SigningKey(key=self.signing_key, certificate=self.signing_certificate, chain=self.signing_chain)
        return SigningKeys(default=own, agencies=self.signing_agencies)

    @property
    def press(self) -> PressSettings:
        """How the press works."""
        return PressSettings(batch=self.press_batch, poll_seconds=self.press_poll_seconds)


def read_settings() -> Settings:
    """The settings from the environment. Raises SettingsError with one clear line."""
    return settings_from(os.environ, Settings)


def storage_settings() -> StorageSettings:
    """What the archive needs to reach its store."""
    return settings_from(os.environ, StorageSettings)


def migrator_url() -> str:
    """The database as its owner, for migrations only. Raises SettingsError when it is not set."""
    return required(os.environ, "MIGRATOR_DATABASE_URL")
