"""The city's services as a page needs them: in the name of the officer who is signed in, or of the portal itself."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Self, TypeVar

from libs.http.auth import TokenSigner
from libs.http.client import Query, ServiceClient
from libs.http.problems import Problem

T = TypeVar("T")
# A person waits: better an error page soon than an answer late.
DEADLINE_SECONDS = 8.0
CONNECTIONS_MAX = 64
KEY = re.compile(r"[0-9A-Za-z._-]{1,200}")


def check_key(key: str) -> None:
    """Raises Problem 400 for a form's key that nobody of ours made: it would not even fit into a header."""
    if not KEY.fullmatch(key):
        raise Problem(400, "stale-form", "Biểu mẫu đã cũ, hãy tải lại trang rồi gửi lại")


class Caller:
    """The services as one caller sees them: an officer (by their token), or the portal when `bearer` is empty.

    `asked_from` is the address of the person the portal asks for: what the services limit, they limit by it.
    """

    def __init__(self, clients: Mapping[str, ServiceClient], bearer: str, asked_from: str = "") -> None:
        self._clients = clients
        self._bearer = bearer
        self._asked_from = asked_from

    async def get(
        self,
        service: str,
        path: str,
        type_: type[T],
        *,
        purpose: str | None = None,
        query: Query | None = None,
    ) -> T:
        """GET as `type_`. Raises libs.http.client.Refused or Unavailable."""
        client = self._clients[service]
        return await client.get(
            path, type_, purpose=purpose, query=query, bearer=self._bearer, asked_from=self._asked_from
        )

    async def get_bytes(self, service: str, path: str, *, purpose: str | None = None) -> bytes:
        """GET a document or an attachment as it is. Raises as `get`."""
        return await self._clients[service].get_bytes(path, purpose=purpose, bearer=self._bearer)

    async def read(self, service: str, path: str, body: Any, type_: type[T], *, purpose: str) -> T:
        """POST that only reads (a batch of ids), with the purpose that is recorded. Raises as `get`."""
        client = self._clients[service]
        return await client.post(
            path, body, type_, purpose=purpose, bearer=self._bearer, asked_from=self._asked_from
        )

    async def act(self, service: str, path: str, body: Any, type_: type[T], *, key: str) -> T:
        """POST that changes something, once per `key` (made when the form was opened).

        Raises as `get`, and Problem 400 for a key that is none of ours.
        """
        check_key(key)
        client = self._clients[service]
        return await client.post(path, body, type_, idempotency_key=key, bearer=self._bearer)

    async def send_file(
        self, service: str, path: str, content: bytes, media_type: str, type_: type[T], *, key: str
    ) -> T:
        """POST a file as it is, once per `key`. Raises as `act`."""
        check_key(key)
        client = self._clients[service]
        return await client.post_bytes(
            path, content, media_type, type_, idempotency_key=key, bearer=self._bearer
        )

    async def change(
        self, service: str, method: str, path: str, body: Any, type_: type[T], *, key: str = ""
    ) -> T:
        """PATCH, DELETE or a POST that is not repeated by itself; `key` as for `act`. Raises as `act`."""
        if key:
            check_key(key)
        client = self._clients[service]
        return await client.send(method, path, body, type_, idempotency_key=key or None, bearer=self._bearer)

    def stream(
        self, service: str, path: str, *, query: Query | None = None, last_event_id: str = ""
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """The server-sent events of a service. Raises, when entered, as `get`."""
        client = self._clients[service]
        return client.stream(path, query=query, bearer=self._bearer, last_event_id=last_event_id)


class City:
    """Connections to every service, kept for the life of the process."""

    def __init__(self, urls: Mapping[str, str], signer: TokenSigner) -> None:
        """`urls` by service name."""
        self._clients = {
            name: ServiceClient(
                url, name, signer, deadline_seconds=DEADLINE_SECONDS, connections_max=CONNECTIONS_MAX
            )
            for name, url in urls.items()
        }

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        for client in self._clients.values():
            await client.close()

    def officer(self, token: str) -> Caller:
        """The services in the name of an officer."""
        return Caller(self._clients, token)

    def citizen(self, address: str) -> Caller:
        """The services in the portal's own name, for whoever asks from this address without a session of their own."""
        return Caller(self._clients, "", address)

    @property
    def portal(self) -> Caller:
        """The services in the portal's own name, with nobody waiting who could be told to come back later."""
        return Caller(self._clients, "")
