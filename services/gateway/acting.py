"""What a partner does, done by the service that owns it: in the partner's name, as it is registered now.

The gateway decides nothing of a dossier. It hands the request on as it came, with a token for that one service and
for a minute, and gives back what the service said: its answer, or its refusal with the reasons.
"""

from collections.abc import Mapping

from libs.http.auth import SYSTEM_SECONDS_MAX, TokenSigner
from libs.http.client import ServiceClient
from services.gateway.partners.partner import Partner

# A partner's own call waits for it; the services answer within it or not at all.
DEADLINE_SECONDS = 10.0
CONNECTIONS_MAX = 32


class Acting:
    """The services of the city as partners reach them through the gateway. Close it."""

    def __init__(
        self, urls: Mapping[str, str], signer: TokenSigner, *, deadline_seconds: float = DEADLINE_SECONDS
    ) -> None:
        self._signer = signer
        self._clients = {
            service: ServiceClient(
                url, service, signer, deadline_seconds=deadline_seconds, connections_max=CONNECTIONS_MAX
            )
            for service, url in urls.items()
        }

    async def close(self) -> None:
        """Close the connections."""
        for client in self._clients.values():
            await client.close()

    async def act(
        self,
        partner: Partner,
        service: str,
        path: str,
        content: bytes,
        *,
        key: str,
        media_type: str = "application/json",
    ) -> bytes:
        """POST `content` in the name of `partner`, once per `key`; the service's answer as it is.

        Raises libs.http.client.Refused with the service's reasons, or Unavailable when trying later is right.
        """
        return await self._clients[service].post_bytes(
            path, content, media_type, bytes, idempotency_key=key, bearer=self._token(partner, service)
        )

    async def read(self, partner: Partner, service: str, path: str, *, purpose: str | None = None) -> bytes:
        """GET in the name of `partner`. Raises as `act`."""
        return await self._clients[service].get_bytes(
            path, purpose=purpose, bearer=self._token(partner, service)
        )

    def _token(self, partner: Partner, service: str) -> str:
        return self._signer.token(
            service,
            subject=partner.code,
            kind="system",
            agency=partner.agency,
            roles=partner.roles,
            facility=partner.facility,
            ttl_seconds=SYSTEM_SECONDS_MAX,
        )
