"""Partners on NATS are kept at the operator's shell, and every deed is audited."""

from collections.abc import Callable
from typing import Any

import pytest

from services.gateway.__main__ import cli
from services.gateway.settings import Settings
from services.gateway.straight.user_keys import Issuer
from tests.fixtures.shell import typed
from tests.integration.gateway.conftest import HOSPITAL, House
from tests.integration.gateway.straight.partners_nats import PartnersNats
from tests.integration.gateway.test_process import environment

pytestmark = pytest.mark.timeout(90)


async def test_partners_are_switched_on_at_the_shell(
    settings: Callable[..., Settings], house: House, partners_nats: PartnersNats
) -> None:
    """On and off, keys in and out, what is known of it; what cannot be done is one line and status 1."""
    given = settings(**partners_nats.settings)
    await house.partner(HOSPITAL)
    for name in ("old", "new"):
        partners_nats.new_seed(name)
    old, new = (partners_nats.public(name).decode() for name in ("old", "new"))

    async def nats(*arguments: str) -> Any:
        return await typed(cli, ("partners", "nats", *arguments), environment(given))

    assert (await nats("show", HOSPITAL.code)).stdout.startswith("nats      never switched on")
    assert (await nats("on", HOSPITAL.code)).returncode == 0
    assert (await nats("add-key", HOSPITAL.code, old)).stdout == f"{old}\n"
    assert (await nats("add-key", HOSPITAL.code, new, "--not-after", "2030-01-01")).returncode == 0
    assert (await nats("retire-key", HOSPITAL.code, old)).returncode == 0
    shown = (await nats("show", HOSPITAL.code)).stdout
    assert "nats      on, confirmed up to 0" in shown
    assert f"{new} since" in shown
    assert "until 2030-01-01 00:00:00" in shown
    assert (await nats("off", HOSPITAL.code)).returncode == 0
    issuer = Issuer.from_file(given.partners_nats_key)
    assert (
        await nats("issuer")
    ).stdout == f"PARTNERS_ISSUER={issuer.account}\nPARTNERS_NOBODY={issuer.nobody}\n"
    for arguments in (
        ("off", HOSPITAL.code),
        ("on", "nobody"),
        ("on", HOSPITAL.code, "--after", "nonsense"),
        ("add-key", HOSPITAL.code, old),
        ("add-key", HOSPITAL.code, partners_nats.seeds["new"]),
        ("retire-key", HOSPITAL.code, old),
    ):
        failed = await nats(*arguments)
        assert failed.returncode == 1, arguments
        assert len(failed.stderr.splitlines()) == 1
        assert partners_nats.seeds["new"] not in failed.stderr
    deeds = [what for what, _ in await house.deeds(HOSPITAL.code)]
    assert deeds[-5:] == ["nats-on", "nats-key-added", "nats-key-added", "nats-key-retired", "nats-off"]
