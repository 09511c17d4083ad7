"""What an officer writes as a code is one of the catalogue's, or it is refused: events carry no name and no number."""

import msgspec
import pytest

from libs.catalogue.reasons import MOVES, Move
from libs.http.problems import Problem
from services.routing.vocabulary import check_missing, check_reason
from tests.unit.routing.samples import MONDAY, opened, rules

NAME, NUMBER = "nguyen-thi-mai-093196001234", "093196001234"


@pytest.mark.parametrize("move", MOVES)
def test_a_reason_is_one_of_the_catalogue(move: Move) -> None:
    """Each reason of the move passes; a name written as a code is refused with the reasons there are."""
    known = rules().reasons(move, MONDAY)
    for reason in known:
        check_reason(move, reason.code, MONDAY, rules())
    with pytest.raises(Problem) as refused:
        check_reason(move, NAME, MONDAY, rules())
    assert refused.value.status == 422
    assert refused.value.extra["allowed"] == {reason.code: reason.name_vi for reason in known}
    assert NUMBER not in str(refused.value.errors)


@pytest.mark.parametrize(
    "path", [NUMBER, "child.names", "child.name.first", "mother.identity.0", f"copies.{NUMBER}", "child."]
)
def test_a_field_nobody_can_supply_is_not_asked_for(path: str) -> None:
    """A path that neither the form nor the hospital's declaration has is refused without repeating it."""
    with pytest.raises(Problem) as refused:
        check_missing(opened(), [], ["child.name", path], rules())
    assert (refused.value.status, refused.value.slug) == (422, "unknown-field")
    assert [error.field for error in refused.value.errors] == ["fields[1]"]
    assert path not in str(refused.value.errors)


def test_the_declaration_of_a_hospital_has_fields_of_its_own() -> None:
    """What only the hospital's declaration has may be asked for where a hospital declared, else not."""
    case = opened()
    check_missing(case, ["declaration"], ["child.intended_name", "residence.address"], rules())
    with pytest.raises(Problem):
        check_missing(msgspec.structs.replace(case, facility=""), [], ["child.intended_name"], rules())
