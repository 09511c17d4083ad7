"""Settings of portal: the only place that reads the environment."""

import os

import msgspec

from libs.process.settings import settings_from


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a process of portal must know."""

    nats_url: str
    service_key: str
    public_keys: str
    intake_url: str
    routing_url: str
    results_url: str
    notify_url: str
    identity_url: str
    # Where browsers reach these pages: origin of forms, links on papers.
    public_url: str
    # Folder with the installed front-end packages (`node_modules` of assets/package.json).
    assets: str
    # Telephone of the one-stop shop, shown on every page at the same place (WCAG 3.2.6).
    help_phone: str = ""
    http_host: str = "127.0.0.1"
    http_port: int = 8000
    catalogue: str = "./catalogue"
    log_level: str = "INFO"
    otlp_endpoint: str = ""
    unready_seconds: float = 5.0
    trusted_proxies: str = ""
    scrape_networks: str = "127.0.0.0/8,::1/128"

    def urls(self) -> dict[str, str]:
        """Addresses of the services by name."""
        return {
            "intake": self.intake_url,
            "routing": self.routing_url,
            "results": self.results_url,
            "notify": self.notify_url,
            "identity": self.identity_url,
        }


def read_settings() -> Settings:
    """The settings from the environment. Raises SettingsError with one clear line."""
    return settings_from(os.environ, Settings)
