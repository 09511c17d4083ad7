"""What partners say most, by its name: births and what is declared of them later, steps, papers on their way.

Each is one event of the catalogue; whatever else it has is said by `Events.say`.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from mot_cua.answers import read
from mot_cua.effects import Request, Steps
from mot_cua.operations import M, Resource, operation
from mot_cua.saying import Outcome, said_of, say, written


class Births(Resource[M]):
    """Births, and what is declared of them later (roles: hospital, one-stop shop).

    `event_id`: the event's own id; the same id again is the same event. Without it every call is a new one.
    """

    @operation
    def declare(self, birth: Mapping[str, Any], *, event_id: str | None = None) -> Steps[Outcome]:
        """Declare a birth. The outcome's `result` is the receipt: dossier, tracking link, appointment."""
        return say(self.session, said_of("partner.birth-declared.v1", birth, "", event_id))

    @operation
    def correct(
        self,
        dossier_id: str | UUID,
        changes: Mapping[str, Any],
        explanation: str,
        *,
        reason: str = "declared-wrong",
        event_id: str | None = None,
    ) -> Steps[Outcome]:
        """Declared data were wrong. `changes`: the path of each field (`children[0].weight_g`) and what is right; None
        takes it away."""
        data = {"changes": _entries(changes), "reason": reason, "explanation": explanation}
        return say(self.session, said_of("partner.dossier-corrected.v1", data, dossier_id, event_id))

    @operation
    def supplement(
        self,
        dossier_id: str | UUID,
        components: Sequence[str] = (),
        fields: Mapping[str, Any] | None = None,
        *,
        event_id: str | None = None,
    ) -> Steps[Outcome]:
        """Papers (codes) or data (path → value) that were asked for came in."""
        data = {"components": list(components), "fields": _entries(fields or {})}
        return say(self.session, said_of("partner.supplement-handed-in.v1", data, dossier_id, event_id))

    @operation
    def attach(
        self,
        dossier_id: str | UUID,
        component: str,
        content: bytes,
        media_type: str = "application/pdf",
        *,
        event_id: str | None = None,
    ) -> Steps[Outcome]:
        """A paper was scanned: PDF, JPEG or PNG, 10 MB at most. `component` is the paper's code in the procedure."""
        said = said_of("partner.paper-attached.v1", None, dossier_id, event_id)
        attributes = written(self.session.partner, said) | {"component": component}
        del attributes["datacontenttype"]
        request = Request(
            method="POST",
            url=self.session.address("/events"),
            headers={
                "content-type": media_type,
                **{f"ce-{name}": value for name, value in attributes.items()},
            },
            content=content,
        )
        response = yield from self.session.call(request)
        return read(response, Outcome)

    @operation
    def withdraw(
        self, dossier_id: str | UUID, *, reason: str = "applicant-request", event_id: str | None = None
    ) -> Steps[Outcome]:
        """The applicant takes the dossier back."""
        data = {"reason": reason}
        return say(self.session, said_of("partner.dossier-withdrawn.v1", data, dossier_id, event_id))


class CaseSteps(Resource[M]):
    """The steps of a case that lie with the partner's agency."""

    @operation
    def start(self, dossier_id: str | UUID, step: str, *, event_id: str | None = None) -> Steps[Outcome]:
        """Work on the step is begun."""
        data = {"step": step}
        return say(self.session, said_of("partner.step-started.v1", data, dossier_id, event_id))

    @operation
    def complete(
        self, dossier_id: str | UUID, step: str, outcome: Mapping[str, Any], *, event_id: str | None = None
    ) -> Steps[Outcome]:
        """The step is settled, with the outcome the catalogue asks for."""
        data = {"step": step, "outcome": outcome}
        return say(self.session, said_of("partner.step-completed.v1", data, dossier_id, event_id))

    @operation
    def give_back(
        self,
        dossier_id: str | UUID,
        step: str,
        reason: str,
        *,
        to: str = "",
        note: str = "",
        event_id: str | None = None,
    ) -> Steps[Outcome]:
        """The agency is not competent for the step; `to` is the one that is, "" when it is not known."""
        data = {"step": step, "reason": reason, "to": to, "note": note}
        return say(self.session, said_of("partner.step-returned.v1", data, dossier_id, event_id))


class Results(Resource[M]):
    """Papers on their way to the family."""

    @operation
    def arrived(
        self, dossier_id: str | UUID, result_id: str | UUID, *, event_id: str | None = None
    ) -> Steps[Outcome]:
        """A paper lies at the partner's desk."""
        data = {"result_id": str(result_id)}
        return say(self.session, said_of("partner.result-arrived.v1", data, dossier_id, event_id))

    @operation
    def handed_over(
        self,
        dossier_id: str | UUID,
        results: Sequence[str | UUID],
        receiver: Mapping[str, str],
        *,
        signature: Mapping[str, Any] | None = None,
        event_id: str | None = None,
    ) -> Steps[Outcome]:
        """Papers were given to one person (`relation`, `name`, `identity_number` …), who signed: on a device
        (`signature`), or on paper."""
        data: dict[str, Any] = {"results": [str(result) for result in results], "receiver": receiver}
        data |= {"signed_on_paper": True} if signature is None else {"signature": signature}
        return say(self.session, said_of("partner.result-handed-over.v1", data, dossier_id, event_id))


def _entries(fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"path": path, "value": value} for path, value in fields.items()]
