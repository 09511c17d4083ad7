"""Each act of a dossier's page: what it asks which service for. Pure."""

from collections.abc import Callable, Mapping

from services.portal.case import answering, correction, letters, outcomes, step_moves
from services.portal.case.matter import Matter, Order


def order_of(act: str, matter: Matter) -> Order:
    """What to ask which service for. Raises Wrong, or KeyError for an act there is not."""
    return _ORDERS[act](matter)


def is_act(act: str) -> bool:
    """Whether there is such an act."""
    return act in _ORDERS


def _accept(matter: Matter) -> Order:
    return Order(service="intake", path=f"/dossiers/{matter.file.dossier.id}/accept", body={})


def _withdraw(matter: Matter) -> Order:
    return Order(service="intake", path=f"/dossiers/{matter.file.dossier.id}/withdrawal", body={})


_ORDERS: Mapping[str, Callable[[Matter], Order]] = {
    "start": step_moves.at_once("start"),
    "complete": outcomes.complete,
    "amend": outcomes.amend,
    "return": step_moves.give_back,
    "supplement-request": letters.ask_for_supplement,
    "refuse": letters.refuse,
    "pause": step_moves.clock(""),
    "resume": step_moves.clock("/end"),
    "finding": outcomes.find,
    "assign": step_moves.assign,
    "sign-apology": letters.sign_apology,
    "accept": _accept,
    "not-accept": letters.not_accept,
    "withdraw": _withdraw,
    "correct": correction.correct,
    "supply": answering.supply,
    "undo-start": step_moves.at_once("undo-start"),
    "undo-pause": step_moves.at_once("undo-pause"),
    "undo-supplement-request": step_moves.at_once("undo-supplement-request"),
}
