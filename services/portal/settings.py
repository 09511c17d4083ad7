"""Settings of portal: the only place that reads the environment."""

import os

from libs.process.settings import ProcessSettings, settings_from


class Settings(ProcessSettings, frozen=True, kw_only=True):
    """What a process of portal must know besides what every process does."""

    nats_url: str
    service_key: str
    intake_url: str
    routing_url: str
    results_url: str
    notify_url: str
    identity_url: str
    gateway_url: str
    # Where browsers reach these pages: origin of forms, links on papers.
    public_url: str
    # Where partners reach the gateway, for the commands the integrators' pages show.
    issuer_url: str
    # Whether the gateway makes up births (its own setting of this name): every page for integrators says so.
    sandbox: bool = False
    # Folder with the installed front-end packages (`node_modules` of assets/package.json).
    assets: str
    # Telephone of the one-stop shop, shown on every page at the same place (WCAG 3.2.6).
    help_phone: str = ""
    catalogue: str = "./catalogue"

    def urls(self) -> dict[str, str]:
        """Addresses of the services by name."""
        return {
            "intake": self.intake_url,
            "routing": self.routing_url,
            "results": self.results_url,
            "notify": self.notify_url,
            "identity": self.identity_url,
            "gateway": self.gateway_url,
        }


def read_settings() -> Settings:
    """The settings from the environment. Raises SettingsError with one clear line."""
    return settings_from(os.environ, Settings)
