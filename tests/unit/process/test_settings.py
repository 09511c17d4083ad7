"""Settings come from the environment; a wrong one is named in one line, its value never repeated."""

from pathlib import Path

import pytest

from libs.process.settings import (
    ServiceSettings,
    SettingsError,
    named,
    networks_of,
    required,
    settings_from,
)

GIVEN = {"DATABASE_URL": "postgresql://u:secret@h/d", "NATS_URL": "nats://x:secret@h", "PUBLIC_KEYS": "k"}


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """A service with a number and a switch of its own."""

    near_days: int = 1
    quiet_hours: bool = True


def test_variables_fill_the_fields_of_their_names() -> None:
    """Texts become numbers and switches; what is not given, or empty, has its default."""
    settings = settings_from(
        {**GIVEN, "HTTP_PORT": "8080", "QUIET_HOURS": "false", "NEAR_DAYS": ""}, Settings
    )
    assert (settings.http_port, settings.quiet_hours, settings.near_days) == (8080, False, 1)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"HTTP_PORT": "secret"}, "HTTP_PORT"),
        ({"QUIET_HOURS": "secret"}, "QUIET_HOURS"),
        ({"NEAR_DAYS": "1.5"}, "NEAR_DAYS"),
        ({"NATS_URL": ""}, "NATS_URL"),
        ({"NATS_URL": "", "DATABASE_URL": ""}, "DATABASE_URL, NATS_URL"),
    ],
)
def test_a_wrong_setting_is_named_without_its_value(changes: dict[str, str], name: str) -> None:
    """One line that names the variable, and nothing of what was given."""
    with pytest.raises(SettingsError) as caught:
        settings_from({**GIVEN, **changes}, Settings)
    text = str(caught.value)
    assert text.startswith(name)
    assert "\n" not in text
    assert "secret" not in text
    assert "1.5" not in text


def test_a_variable_of_one_command_is_asked_for_there() -> None:
    """The migrator's URL is needed only to migrate."""
    assert required({"MIGRATOR_DATABASE_URL": "x"}, "MIGRATOR_DATABASE_URL") == "x"
    with pytest.raises(SettingsError, match="MIGRATOR_DATABASE_URL"):
        required({}, "MIGRATOR_DATABASE_URL")


def test_a_file_that_is_missing_is_blamed_on_its_variable(tmp_path: Path) -> None:
    """The line names the variable, not the library's trouble."""
    with (
        pytest.raises(SettingsError, match=r"^PUBLIC_KEYS: No such file or directory$"),
        named("PUBLIC_KEYS"),
    ):
        (tmp_path / "keys.json").read_text()


def test_networks_are_written_in_cidr_separated_by_commas() -> None:
    """The entrance's and the scraper's networks; an empty setting names none, a wrong one is named."""
    assert [str(n) for n in networks_of("TRUSTED_PROXIES", "10.0.0.0/8, ::1/128")] == [
        "10.0.0.0/8",
        "::1/128",
    ]
    assert networks_of("TRUSTED_PROXIES", "") == ()
    with pytest.raises(SettingsError, match=r"^TRUSTED_PROXIES: expected networks"):
        networks_of("TRUSTED_PROXIES", "10.0.0.1/8")
