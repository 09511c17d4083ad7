"""Settings of notify: the only place that reads the environment."""

import os

from libs.process.settings import ServiceSettings, required, settings_from
from services.notify.email_channel import SmtpSettings
from services.notify.sender import SenderSettings


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """What a process of notify must know besides what every service does."""

    service_key: str
    intake_url: str
    public_url: str
    # Without a mail server e-mail is not among the channels.
    smtp_host: str = ""
    smtp_port: int = 25
    smtp_sender: str = "mot-cua@localhost"
    smtp_username: str = ""
    smtp_password: str = ""
    smtp_start_tls: bool | None = None
    smtp_timeout_seconds: float = 10
    # The order in which channels are tried when the applicant prefers none, separated by commas.
    channels: str = "email"
    sender_poll_seconds: float = 1.0
    sender_lease_seconds: float = 120
    # Shortens the waiting of rules (wait_minutes) in tests and in the city in a box.
    wait_scale: float = 1.0
    quiet_hours: bool = True

    @property
    def smtp(self) -> SmtpSettings:
        """The mail server."""
        return SmtpSettings(
            host=self.smtp_host,
            port=self.smtp_port,
            sender=self.smtp_sender,
            username=self.smtp_username,
            password=self.smtp_password,
            start_tls=self.smtp_start_tls,
            # A letter takes up to two timeouts (EmailChannel), together at most half the lease (Channel).
            timeout_seconds=min(self.smtp_timeout_seconds, self.sender_lease_seconds / 4),
        )

    @property
    def sender(self) -> SenderSettings:
        """How the sender works."""
        return SenderSettings(
            poll_seconds=self.sender_poll_seconds,
            lease_seconds=self.sender_lease_seconds,
            ranking=tuple(name.strip() for name in self.channels.split(",") if name.strip()),
        )


def read_settings() -> Settings:
    """The settings from the environment. Raises SettingsError with one clear line."""
    return settings_from(os.environ, Settings)


def migrator_url() -> str:
    """The database as its owner, for migrations only. Raises SettingsError when it is not set."""
    return required(os.environ, "MIGRATOR_DATABASE_URL")
