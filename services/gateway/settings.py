"""Settings of gateway: the only place that reads the environment."""

import os

from libs.process.settings import ServiceSettings, SettingsError, required, settings_from
from services.gateway.audit_store import MONTHS_MIN
from services.gateway.feed.reading import ReadingLimits
from services.gateway.inbound.cloudevent import BATCH_MAX
from services.gateway.inbound.desk import SayingLimits
from services.gateway.straight.layout import EVENTS_BYTES_MAX


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """What a process of gateway must know besides what every service does."""

    # Its private key: signs partners' tokens, and speaks for them to other services.
    service_key: str
    # Who does what partners ask for.
    intake_url: str
    routing_url: str
    results_url: str
    # Who writes to partners' contacts; empty: nobody does.
    notify_url: str = ""
    # This gateway as partners reach it: names itself in tokens' audiences and in /.well-known.
    issuer_url: str
    # The file with the key that endpoints' secrets are sealed with: 32 random bytes in base64.
    webhook_key: str
    # Networks (CIDR, separated by commas) to which webhooks may go besides the public internet, also by http; and a
    # file with the authorities receivers prove themselves by, instead of the system's.
    webhook_networks: str = ""
    webhook_ca: str = ""
    # Whether births of people who do not exist may be made here. Never where people do.
    sandbox: bool = False
    # How many days events are kept; 0: for ever.
    keep_days: float = 0
    # How many months the audit is kept: what was done to partners, and what they read, said and handed in. At least 24;
    # 0: for ever.
    audit_months: int = MONTHS_MIN
    # Where partners drop files, each in a folder of its code; empty: nowhere. Days they are kept after they were taken.
    drop_folder: str = ""
    drop_keep_days: float = 30
    # What one partner may do at one process.
    reads_per_second: float = 20
    reads_burst: int = 100
    streams_max: int = 20
    events_per_second: float = 20
    events_burst: int = 200
    # The NATS server for partners, as the gateway's own user; empty: no partner reads or hands in by NATS.
    partners_nats_url: str = ""
    # The key by which partners are let in there (PEM, Ed25519).
    partners_nats_key: str = ""
    # What one partner's stream may hold, and copies of each stream.
    partners_stream_bytes: int = EVENTS_BYTES_MAX
    partners_replicas: int = 1

    def urls(self) -> dict[str, str]:
        """Addresses of the services by name."""
        return {"intake": self.intake_url, "routing": self.routing_url, "results": self.results_url}

    @property
    def months_of_audit(self) -> int:
        """AUDIT_MONTHS. Raises SettingsError when that is less than the law asks for."""
        if 0 < self.audit_months < MONTHS_MIN or self.audit_months < 0:
            raise SettingsError(f"AUDIT_MONTHS: 0, or {MONTHS_MIN} at least")
        return self.audit_months

    @property
    def saying_limits(self) -> SayingLimits:
        """How much one partner may say and look up."""
        return SayingLimits(per_second=self.events_per_second, burst=max(BATCH_MAX, self.events_burst))

    @property
    def limits(self) -> ReadingLimits:
        """What one partner may do."""
        return ReadingLimits(
            per_second=self.reads_per_second, burst=self.reads_burst, waiting_max=self.streams_max
        )


def read_settings() -> Settings:
    """The settings from the environment. Raises SettingsError with one clear line."""
    return settings_from(os.environ, Settings)


def migrator_url() -> str:
    """The database as its owner, for migrations only. Raises SettingsError when it is not set."""
    return required(os.environ, "MIGRATOR_DATABASE_URL")
