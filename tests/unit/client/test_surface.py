"""Two clients, one surface."""

import inspect
from typing import Any

from mot_cua import AsyncClient, AsyncFeed, Client, Feed, SigningKey
from mot_cua.operations import Resource, operation

KEY = SigningKey.generate()


def surface(kind: type[Any]) -> dict[str, list[str]]:
    """Public methods and the names of their parameters."""
    return {
        name: list(inspect.signature(method).parameters)
        for name, method in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_")
    }


def test_both_clients_and_feeds_offer_the_same() -> None:
    """The same methods with the same parameters; the groups of operations are the very same classes."""
    assert surface(Client) == surface(AsyncClient)
    assert surface(Feed) == surface(AsyncFeed)
    with Client("https://doitac.example.vn", "bv", KEY) as client:
        groups = {name: type(value) for name, value in vars(client).items() if isinstance(value, Resource)}
    other = AsyncClient("https://doitac.example.vn", "bv", KEY)
    assert groups == {name: type(value) for name, value in vars(other).items() if isinstance(value, Resource)}
    assert set(groups) == {
        *("events", "births", "steps", "results", "fhir", "xml9", "city", "webhooks", "partner"),
    }


async def test_every_operation_blocks_for_one_and_is_awaited_for_the_other() -> None:
    """With its name, its documentation and its parameters."""
    client = Client("https://doitac.example.vn", "bv", KEY)
    other = AsyncClient("https://doitac.example.vn", "bv", KEY)
    for group in ("events", "births", "steps", "results", "city", "webhooks"):
        kind = type(getattr(client, group))
        for name, found in vars(kind).items():
            if isinstance(found, operation):
                assert found.__doc__, name
                assert getattr(getattr(client, group), name).__name__ == name
                assert callable(getattr(getattr(other, group), name))
    client.close()
    await other.close()
