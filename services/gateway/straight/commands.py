"""The operator's shell: `python -m services.gateway partners nats …`."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from libs.process.settings import SettingsError
from services.gateway.partners.administration import By
from services.gateway.settings import Settings
from services.gateway.straight import administration, key_store, store
from services.gateway.straight.user_keys import Issuer

Deed = Callable[[Any, Settings], Awaitable[list[str]]]
Code = Annotated[str, typer.Argument(help="code of the partner")]
Key = Annotated[str, typer.Argument(help="public NKey of a user: U and 55 more characters")]


def nats_app(do: Callable[[Deed], None], by: Callable[[], By]) -> typer.Typer:
    """The commands; `do` runs a deed and tells what cannot be done."""
    app = typer.Typer(no_args_is_help=True, help="Straight NATS: who reads that way, and by which keys")

    @app.command("on")
    def switch_on(
        code: Code,
        after: Annotated[
            str, typer.Option(help="a cursor of the feed, or latest; without it from the first event kept")
        ] = "",
    ) -> None:
        """Let a partner read by NATS. For one that does, its stream begins anew at `after`."""

        async def deed(conn: Any, _settings: Settings) -> list[str]:
            await administration.switch_on(conn, code, after, by())
            return []

        do(deed)

    @app.command("off")
    def switch_off(code: Code) -> None:
        """Let it read by NATS no more; its other ways stay."""

        async def deed(conn: Any, _settings: Settings) -> list[str]:
            await administration.switch_off(conn, code, by())
            return []

        do(deed)

    @app.command("show")
    def show(code: Code) -> None:
        """How far a partner is, and its keys."""
        do(_showing(code))

    _add_key_commands(app, do, by)
    return app


def _add_key_commands(app: typer.Typer, do: Callable[[Deed], None], by: Callable[[], By]) -> None:
    @app.command("add-key")
    def add_key(
        code: Code,
        key: Key,
        not_after: Annotated[
            datetime | None, typer.Option(help="UTC; without it: until it is retired")
        ] = None,
    ) -> None:
        """Let this key in too. The partner keeps the seed (S…)."""
        end = not_after.replace(tzinfo=UTC) if not_after else None

        async def deed(conn: Any, _settings: Settings) -> list[str]:
            return [await administration.add_key(conn, code, key, by(), not_after=end)]

        do(deed)

    @app.command("retire-key")
    def retire_key(code: Code, key: Key) -> None:
        """Let this key in no more, and end its connections within seconds."""

        async def deed(conn: Any, _settings: Settings) -> list[str]:
            await administration.retire_key(conn, code, key, by())
            return []

        do(deed)

    @app.command("issuer")
    def issuer() -> None:
        """The public keys that the server's configuration names (from PARTNERS_NATS_KEY)."""

        async def deed(_conn: Any, settings: Settings) -> list[str]:
            try:
                found = Issuer.from_file(settings.partners_nats_key)
            except (OSError, ValueError, TypeError) as error:
                raise SettingsError(f"PARTNERS_NATS_KEY: {type(error).__name__}") from None
            return [f"PARTNERS_ISSUER={found.account}", f"PARTNERS_NOBODY={found.nobody}"]

        do(deed)


def _showing(code: str) -> Deed:
    async def deed(conn: Any, _settings: Settings) -> list[str]:
        noted = await store.noted(conn, code)
        lines = ["nats      never switched on"]
        if noted is not None:
            state = "on" if await store.standing(conn, code) else "off"
            lines = [
                f"nats      {state}, confirmed up to {noted.floor}",
                f"stream    {noted.stream_created or '-'}",
            ]
        for key in await key_store.keys_of(conn, code):
            end = key.retired_at or key.not_after
            lines.append(
                f"key       {key.public_key} since {key.added_at:%F %T}"
                + (f" until {end:%F %T}" if end else "")
            )
        return lines

    return deed
