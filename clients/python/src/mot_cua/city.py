"""Reading what the city knows, in the partner's name: a dossier, its case, its results and their documents.

Every such read is recorded with its purpose, by the law on personal data: say what it is for.
"""

from typing import Any
from urllib.parse import quote
from uuid import UUID

from mot_cua.answers import read
from mot_cua.effects import Request, Response, Steps
from mot_cua.operations import M, Resource, operation


class City(Resource[M]):
    """Look-ups at the services behind the gateway. Raises NotFound for what is not the partner's to see."""

    @operation
    def dossier(self, dossier_id: str | UUID, *, purpose: str) -> Steps[dict[str, Any]]:
        """A dossier with what was declared. `purpose` is a code such as `check-dossier` or `hand-over`."""
        return self._json("intake", f"/dossiers/{_part(dossier_id)}", purpose)

    @operation
    def case(self, dossier_id: str | UUID) -> Steps[dict[str, Any]]:
        """The case: its steps, where they lie and until when. Raises NotFound while there is none."""
        return self._json("routing", f"/cases/{_part(dossier_id)}")

    @operation
    def results(self, dossier_id: str | UUID) -> Steps[list[dict[str, Any]]]:
        """The results of a dossier: what was issued, where it is, who has it."""
        found = yield from self._json("results", f"/dossiers/{_part(dossier_id)}/results")
        results: list[dict[str, Any]] = found.get("results", [])
        return results

    @operation
    def document(self, result_id: str | UUID) -> Steps[bytes]:
        """The signed PDF of a result."""
        response = yield from self._get("results", f"/results/{_part(result_id)}/document")
        return response.content

    @operation
    def read(self, service: str, path: str, *, purpose: str = "") -> Steps[bytes]:
        """Whatever else the gateway lets a partner read, as the service answers it."""
        response = yield from self._get(service, path, purpose)
        return response.content

    def _json(self, service: str, path: str, purpose: str = "") -> Steps[dict[str, Any]]:
        response = yield from self._get(service, path, purpose)
        return read(response, dict[str, Any])

    def _get(self, service: str, path: str, purpose: str = "") -> Steps[Response]:
        request = Request(
            method="GET",
            url=self.session.address(f"/city/{_part(service)}{path}"),
            headers={"x-purpose": purpose} if purpose else {},
        )
        return self.session.call(request)


def _part(value: str | UUID) -> str:
    return quote(str(value), safe="")
