"""The operator's commands for one service's dead letters: `python -m services.<name> dead-letters list`."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import msgspec
import typer

from libs.bus.dead_letters import NotOpen
from libs.bus.runtime import BusRuntime

T = TypeVar("T")

By = Annotated[str, typer.Option("--by", help="Who decides; kept with the dead letter.")]
Number = Annotated[int, typer.Argument(help="Number of the dead letter.")]


def dead_letters_app(make_runtime: Callable[[], BusRuntime]) -> typer.Typer:
    """The commands, on the service whose runtime `make_runtime` makes (nothing is relayed or consumed)."""
    app = typer.Typer(help="Events that could not be applied.", no_args_is_help=True, add_completion=False)

    @app.command("list")
    def list_(
        state: Annotated[str, typer.Option(help="open, retried, discarded or all")] = "open",
        after: Annotated[int, typer.Option(help="Only numbers above this one.")] = 0,
    ) -> None:
        """List dead letters, one JSON object a line, without their contents."""
        wanted = None if state == "all" else state
        for letter in _with(make_runtime, lambda runtime: runtime.letters(status=wanted, after_id=after)):
            _print(letter)

    @app.command()
    def show(number: Number) -> None:
        """Show one dead letter; only ids, codes and times of its contents."""
        found = _with(make_runtime, lambda runtime: runtime.letter(number))
        if found is None:
            _fail(f"there is no dead letter {number}")
        _print(found)

    @app.command()
    def retry(number: Number, by: By) -> None:
        """Apply the event of an open dead letter again, once. Exits 1 when it is still refused."""
        try:
            retried = _with(make_runtime, lambda runtime: runtime.retry(number, who=by))
        except NotOpen:
            _fail(f"dead letter {number} is not open")
        if retried.flaw is not None:
            _fail(f"dead letter {number} is still refused: {retried.flaw.reason.value} {retried.flaw.code}")
        typer.echo(f"dead letter {number} is applied")

    @app.command()
    def discard(
        number: Number,
        by: By,
        reason: Annotated[str, typer.Option("--reason", help="Why it will never be applied.")],
    ) -> None:
        """Close an open dead letter without applying it."""
        try:
            _with(make_runtime, lambda runtime: runtime.discard(number, who=by, why=reason))
        except NotOpen:
            _fail(f"dead letter {number} is not open")
        typer.echo(f"dead letter {number} is discarded")

    @app.command()
    def resume(source: Annotated[str, typer.Argument(help="Producer, such as intake.")], by: By) -> None:
        """Listen again to a producer's stream that too many dead letters have stopped."""
        if not _with(make_runtime, lambda runtime: runtime.resume(source, who=by)):
            _fail(f"{source} is not stopped")
        typer.echo(f"{source} is heard again")

    return app


def _with(make_runtime: Callable[[], BusRuntime], act: Callable[[BusRuntime], Awaitable[T]]) -> T:
    async def run() -> T:
        runtime = make_runtime()
        await runtime.start()
        try:
            return await act(runtime)
        finally:
            await runtime.close()

    return asyncio.run(run())


def _print(content: Any) -> None:
    typer.echo(msgspec.json.encode(content).decode())


def _fail(text: str) -> Any:
    typer.echo(text, err=True)
    raise typer.Exit(1)
