"""Identity as it runs: a process without NATS, its migrations, its command line, its housekeeping."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import httpx
import msgspec
import pytest

from deploy.local.ports import LOOPBACK, free_port
from libs.database.lines import lines_of
from libs.database.migrate import migrate
from services.identity.__main__ import cli
from services.identity.domain import Lifetime
from services.identity.housekeeping import Housekeeping
from services.identity.sealing import new_token
from services.identity.settings import Settings
from tests.fixtures.database import DatabaseFactory, ServiceDatabase
from tests.fixtures.servers import ROOT, eventually
from tests.fixtures.shell import typed
from tests.integration.identity.conftest import PASSWORD, House

pytestmark = pytest.mark.timeout(90)


def environment(settings: Settings, **more: str) -> dict[str, str]:
    """The environment of a process with these settings."""
    given = {name.upper(): str(value) for name, value in msgspec.to_builtins(settings).items() if value != ""}
    return {"PATH": os.environ["PATH"], **given, **more}


def command(settings: Settings, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """A command of the operator's shell."""
    return subprocess.run(
        [sys.executable, "-m", "services.identity", *arguments],
        cwd=ROOT,
        env=environment(settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@contextmanager
def running(settings: Settings) -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    """The process and its address; killed at the end if it still runs."""
    with subprocess.Popen(
        [sys.executable, "-m", "services.identity", "serve"],
        cwd=ROOT,
        env=environment(settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as child:
        try:
            yield child, f"http://{LOOPBACK}:{settings.http_port}"
        finally:
            child.kill()


async def test_the_process_starts_answers_and_stops(house: House, settings: Callable[..., Settings]) -> None:
    """It is ready with a database alone, signs officers in, and ends with status 0; its log has no password in it."""
    await house.account()
    given = settings(http_port=free_port(None), http_host=LOOPBACK, unready_seconds=0)
    with running(given) as (child, url):
        async with httpx.AsyncClient(base_url=url, headers=house.portal.headers, trust_env=False) as portal:

            async def ready() -> bool:
                try:
                    return bool((await portal.get("/health/ready")).json()["checks"] == {"database": True})
                except httpx.HTTPError:
                    return False

            await eventually(ready, deadline_seconds=60)
            content = {"login": "can-bo-03", "password": PASSWORD, "address": "203.0.113.7"}
            session = (await portal.post("/sessions", json=content)).json()["session"]
            assert (await portal.post("/sessions/token", json={"session": session})).status_code == 200
            described = (await portal.get("/openapi.json")).json()["paths"]
            assert {"/sessions", "/openid/start", "/accounts", "/devices/pairings"} <= set(described)
        child.send_signal(signal.SIGTERM)
        output, _ = await asyncio.to_thread(child.communicate, timeout=60)
    assert child.returncode == 0, output
    assert PASSWORD.encode() not in output
    assert session.encode() not in output


async def test_the_database_has_no_bus(database: DatabaseFactory) -> None:
    """Its migrations run again without effect, and make neither outbox nor inbox."""
    made: ServiceDatabase = await database("identity")
    assert await migrate(made.migrator_dsn, lines_of("identity")) == []
    assert [line.name for line in lines_of("identity")] == ["http", "identity"]
    assert [line.name for line in lines_of("intake")] == ["bus", "http", "intake"]


async def test_the_operator_s_shell(house: House, settings: Callable[..., Settings]) -> None:
    """The first account is made without anybody signed in; its password is printed once, and nothing else is."""
    given = settings()

    async def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return await typed(cli, ("accounts", *arguments), environment(given))

    first = ("accounts", "add", "van-hanh-01", "Lê Văn Bình", "--role", "operator")
    added = await asyncio.to_thread(command, given, *first)
    assert added.returncode == 0, added.stderr
    _, needs = await house.session("van-hanh-01", added.stdout.strip())
    assert needs == "new-password"
    again = await run("add", "van-hanh-01", "Lê Văn Bình", "--role", "operator")
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr.startswith("Tên đăng nhập")
    assert len(again.stderr.splitlines()) == 1
    assert (await run("add", "x-y", "An", "--role", "king")).returncode == 1
    assert (await run("add", "tich-hop-01", "An", "--partner", "benh-vien-thu")).returncode == 0
    assert "tich-hop-01\tbenh-vien-thu\t-\tenabled" in (await run("list")).stdout
    assert (await run("disable", "van-hanh-01")).returncode == 0
    assert "van-hanh-01\t-\toperator\tdisabled" in (await run("list")).stdout
    assert (await run("enable", "van-hanh-01")).returncode == 0
    reset = await run("reset", "van-hanh-01", "--totp")
    assert (await house.sign_in("van-hanh-01", reset.stdout.strip())).status_code == 200
    assert (await run("disable", "khong-co-ai")).returncode == 1
    actors = await house.pool.fetch("SELECT DISTINCT actor FROM account_event WHERE what LIKE 'account-%'")
    assert [row["actor"] for row in actors] == ["operator-shell"]


async def test_a_wrong_key_is_one_line(settings: Callable[..., Settings]) -> None:
    """The process ends with status 2 and names the setting, never its value."""
    wrong = settings(account_key=settings().service_key)
    result = await asyncio.to_thread(command, wrong, "serve")
    assert result.returncode == 2
    assert "ACCOUNT_KEY" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


async def test_old_things_are_deleted(house: House) -> None:
    """Sessions past their life, sign-ins that did not come back, pairings and counts nobody needs."""
    await house.account()
    await house.sign_in(password="sai mật khẩu rồi")
    session, _ = await house.session()
    await house.post("/devices/pairings", pairing=new_token())
    fresh = await house.pool.fetchval("SELECT count(*) FROM attempt")
    keeping = Housekeeping(
        house.process.transactions, Lifetime(idle=timedelta(minutes=30), age=timedelta(hours=10))
    )
    await keeping._turn()
    assert (await house.token(session)).status_code == 200
    await house.age(10 * 3600 + 1, column="started_at")
    await house.pool.execute("UPDATE pairing SET expires_at = now() - interval '1 second'")
    await house.pool.execute("UPDATE attempt SET failed_at = now() - interval '2 days'")
    await keeping._turn()
    assert fresh > 0
    for table in ("session", "pairing", "attempt"):
        assert await house.pool.fetchval(f"SELECT count(*) FROM {table}") == 0, table
