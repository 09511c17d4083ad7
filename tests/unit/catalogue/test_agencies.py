"""Agencies: who is competent where and when, before and after the merger of 2025-07-01."""

from datetime import date
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.catalogue import AmbiguousUnit, Catalogue, CatalogueError, UnknownAgency
from libs.catalogue.agencies import Agency, AgencyDirectory

CATALOGUE = Catalogue.load(Path(__file__).parents[3] / "catalogue")
BEFORE, AFTER = date(2023, 6, 4), date(2026, 11, 23)
WARD_ROLES = ["one_stop", "civil_status", "police_residence", "social_insurance", "ward_office", "justice"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("31340", "31340"),
        ("31341", "31340"),
        ("31343", "31340"),
        ("31344", "31411"),
        ("31411", "31411"),
        ("31414", "31411"),
    ],
)
def test_an_old_residence_reaches_the_new_ward(old: str, new: str) -> None:
    """A code of 2023 is served by its own ward then and by the merged ward of 2025 now."""
    assert CATALOGUE.agency_for("police_residence", old, BEFORE, BEFORE).code == f"police-{old}"
    assert CATALOGUE.agency_for("police_residence", old, AFTER, BEFORE).code == f"police-{new}-2025"
    assert CATALOGUE.agency_for("civil_status", old, AFTER, BEFORE).code == f"civil-status-{new}-2025"


def test_the_last_day_before_the_merger_is_still_the_old_ward() -> None:
    """On 2025-06-30 Lái Hiếu has its own civil-status officer, on 2025-07-01 Ngã Bảy has it."""
    assert CATALOGUE.agency_for("civil_status", "31341", date(2025, 6, 30)).code == "civil-status-31341"
    assert CATALOGUE.agency_for("civil_status", "31341", date(2025, 7, 1)).code == "civil-status-31340-2025"


def test_without_the_day_of_the_statement_a_code_in_force_means_todays_unit() -> None:
    """31340 on a day of 2026 is the merged ward, 31341 which ended follows its succession."""
    assert CATALOGUE.agency_for("one_stop", "31340", AFTER).code == "one-stop-31340-2025"
    assert CATALOGUE.agency_for("one_stop", "31341", AFTER).code == "one-stop-31340-2025"


@pytest.mark.parametrize("on", [BEFORE, date(2025, 6, 30), date(2025, 7, 1), AFTER])
def test_every_ward_of_the_city_has_every_office(on: date) -> None:
    """Each of the six wards of 2023, now two, has one agency in force for each role of the birth pipeline."""
    for unit in ("31340", "31341", "31343", "31344", "31411", "31414"):
        for role in [*WARD_ROLES, "police_identity"]:
            assert CATALOGUE.agency_for(role, unit, on, BEFORE).in_force(on)


def test_every_step_of_every_procedure_in_force_has_an_agency_in_both_wards() -> None:
    """Routing never meets a role that no agency of Ngã Bảy or Đại Thành has today."""
    roles = {step.role for procedure in CATALOGUE.procedures(AFTER) for step in procedure.steps}
    for unit in ("31340", "31411"):
        for role in sorted(roles):
            assert CATALOGUE.agency_for(role, unit, AFTER).in_force(AFTER)


def test_other_communes_of_the_city_follow_from_a_pattern() -> None:
    """A mother of Phụng Hiệp is served by its own police; the agency can be asked for by its code."""
    agency = CATALOGUE.agency_for("police_residence", "31417", AFTER, BEFORE)
    assert (agency.code, agency.name_vi) == ("police-31420-2025", "Công an xã Phụng Hiệp")
    assert CATALOGUE.agency("police-31420-2025") == agency
    with pytest.raises(UnknownAgency):
        CATALOGUE.agency("police-00001-2025")


@given(st.sampled_from([unit.code for unit in CATALOGUE.units.communes("93", date(2025, 6, 30))]))
def test_an_agency_older_than_the_first_list_of_units_is_found_by_its_code(unit: str) -> None:
    """Hậu Giang's patterns begin in 2020, the units known in 2023 or when a commune was made."""
    for role in ("police_residence", "civil_status"):
        agency = CATALOGUE.agency_for(role, unit, date(2025, 6, 30))
        assert CATALOGUE.agency(agency.code) == agency


@given(st.sampled_from([unit.code for unit in CATALOGUE.units.communes("92", AFTER)]))
def test_each_commune_of_can_tho_gives_dossier_codes_of_its_own(unit: str) -> None:
    """The one-stop counter of any commune has a 13-character prefix that no other has, marked as unverified."""
    agency = CATALOGUE.agency_for("one_stop", unit, AFTER)
    assert agency.units == (unit,)
    assert agency.code_prefix == f"{unit[:3]}.{unit[3:]}.00.H13"
    assert not agency.code_prefix_verified


def test_dossier_code_prefixes_are_unlike() -> None:
    """No two agencies in force on one day begin their dossier codes alike."""
    for on in (BEFORE, AFTER):
        prefixes = [a.code_prefix for a in CATALOGUE.agencies("one_stop") if a.in_force(on)]
        assert all(prefixes)
        assert len(prefixes) == len(set(prefixes))


def test_a_split_commune_is_for_a_person_to_decide() -> None:
    """31178 was divided in 2025: its successors are named, none is guessed."""
    with pytest.raises(AmbiguousUnit) as error:
        CATALOGUE.agency_for("civil_status", "31178", AFTER, BEFORE)
    assert len(error.value.candidates) > 1


def test_nobody_is_competent_elsewhere() -> None:
    """A commune of Hà Nội and an invented code have no agency here."""
    for unit in ("00004", "99999"):
        with pytest.raises(UnknownAgency):
            CATALOGUE.agency_for("civil_status", unit, AFTER)


def test_the_general_hospital_is_found_by_its_facility_code() -> None:
    """93016 is the general hospital of Ngã Bảy; a code that is none is refused."""
    hospital = CATALOGUE.hospital("93016", AFTER)
    assert hospital.code == "hospital-93016"
    assert "hospital" in hospital.roles
    with pytest.raises(UnknownAgency):
        CATALOGUE.hospital("00000", AFTER)


def test_successors_exist_and_begin_when_their_forerunner_ends() -> None:
    """Every agency that ended by the merger names agencies in force on the next day."""
    for agency in CATALOGUE.agencies():
        for code in agency.succeeded_by:
            assert agency.effective_to is not None
            assert CATALOGUE.agency(code).effective_from.toordinal() == agency.effective_to.toordinal() + 1


def agency(code: str, **changes: object) -> Agency:
    """An agency for the directory's own rules."""
    plain = {
        "code": code,
        "name_vi": code,
        "roles": ["court"],
        "effective_from": "2020-01-01",
        "units": ["00001"],
    }
    return msgspec.convert(plain | changes, Agency)


def test_two_agencies_for_one_role_unit_and_day_are_refused() -> None:
    """Competence is never a matter of luck; one after the other is allowed."""
    with pytest.raises(CatalogueError, match="role court in unit 00001"):
        AgencyDirectory([agency("a"), agency("b", effective_from="2021-01-01")])
    with pytest.raises(CatalogueError, match="one code"):
        AgencyDirectory([agency("a"), agency("a", units=[])])
    AgencyDirectory([agency("a", effective_to="2020-12-31"), agency("b", effective_from="2021-01-01")])


def test_an_agency_without_sense_is_refused() -> None:
    """A prefix in the wrong form and an end before the beginning are refused."""
    for changes in ({"code_prefix": "H30"}, {"effective_to": "2019-12-31"}):
        with pytest.raises(msgspec.ValidationError):
            agency("a", **changes)


@pytest.mark.parametrize(
    ("old", "unit", "on", "heir"),
    [
        # Before the merger, and an agency that goes on: itself.
        ("one-stop-31341", "31341", BEFORE, "one-stop-31341"),
        ("one-stop-31340-2025", "31340", AFTER, "one-stop-31340-2025"),
        ("one-stop-31341", "31341", AFTER, "one-stop-31340-2025"),
        # The city's counter was followed by two: the one of the dossier's commune.
        ("one-stop-nga-bay-city", "31341", AFTER, "one-stop-31340-2025"),
        ("one-stop-nga-bay-city", "31344", AFTER, "one-stop-31411-2025"),
        # Of no commune of theirs: nobody took it over.
        ("one-stop-nga-bay-city", "31417", AFTER, "one-stop-nga-bay-city"),
    ],
)
def test_what_an_agency_began_goes_on_with_its_heir(old: str, unit: str, on: date, heir: str) -> None:
    """After the merger an open dossier lies with whoever followed the agency, for its commune."""
    assert CATALOGUE.heir(old, unit, BEFORE, on) == heir
    assert heir == old or old in CATALOGUE.predecessors(heir)
