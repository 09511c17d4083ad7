"""From a hospital's birth declaration to a new dossier of the interlinked birth procedure. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

import msgspec

from libs.catalogue import Catalogue, NotEffective, Procedure, UnknownProcedure
from libs.catalogue.folding import fold
from libs.contracts.intake import RoleUnit
from services.intake.birth_duplicates import IdentityCard, compare_identity, natural_keys, traits_of
from services.intake.birth_rules import check_declaration, has_errors
from services.intake.births import BirthDeclaration, Parent, Problem, Residence, normalised
from services.intake.reception import (
    FILE_BIRTH,
    Desk,
    Fresh,
    Refused,
    Sender,
    Submission,
    bed_of,
    chosen_results,
    code_prefix,
    competent_desk,
    late_registration,
    new_dossier,
    problem,
    promise,
    residence_unit,
)
from services.intake.residences import dated
from services.intake.stays import Stay, stay_problems, written_stay

BIRTH_GROUP = "interlinked-birth"
# Papers the declaration itself is: Mẫu 01 in electronic form and the signed data of the certificate (NĐ 63/2024 Đ5).
GIVEN_BY_DECLARATION = ("declaration", "medical_certificate")
IDENTITY_TYPED = "identity-typed"
OVERRIDE_LENGTH_MIN = 10  # characters; shorter is no reason


class CardCheck(msgspec.Struct, frozen=True, kw_only=True):
    """The mother's card as read at the desk, and why the desk declares although it differs (empty: it must not).

    `typed`: the desk says that it read no card. A false identity of a mother enters there (plo.vn 2017).
    """

    card: IdentityCard | None = None
    override_reason: str = ""
    typed: bool = False


NO_CARD = CardCheck()


def birth_submission(
    declaration: BirthDeclaration,
    sender: Sender,
    fresh: Fresh,
    at: datetime,
    desk: Desk,
    check: CardCheck = NO_CARD,
    stay: Stay | None = None,
) -> Submission:
    """The dossier of one child. Raises Refused: a broken rule, a foreign certificate, a card that differs."""
    declaration = dated(normalised(declaration), desk.catalogue.units)
    problems = _problems(declaration, sender, at, desk)
    if stay is not None:
        problems += _stay_problems(stay, sender, at, desk)
    differences = _differences(declaration, check)
    # All of it at once: who mends one thing is not sent back for the next.
    if has_errors(problems):
        raise Refused([*problems, *differences])
    if differences:
        raise Refused(differences, slug="card-differs")
    submission = assembled(
        declaration,
        problems,
        sender,
        fresh,
        at,
        desk,
        flags=_card_flags(declaration, check),
        note=check.override_reason,
    )
    return msgspec.structs.replace(submission, stay=written_stay(stay)) if stay else submission


def assembled(
    declaration: BirthDeclaration,
    warnings: Sequence[Problem],
    sender: Sender,
    fresh: Fresh,
    at: datetime,
    desk: Desk,
    *,
    flags: tuple[str, ...] = (),
    note: str = "",
) -> Submission:
    """The dossier of a declaration that has been checked already (an XML9 record). Raises Refused."""
    today, catalogue = desk.today(at), desk.catalogue
    procedure = birth_procedure(catalogue, today)
    if (refusal := procedure.refusal(sender.channel, default_limit=desk.default_limit)) is not None:
        raise Refused([problem(refusal.field, refusal.code, refusal.message_vi)])
    whose, home = _registering_home(declaration)
    where = f"{whose}.residence.commune_code"
    one_stop = competent_desk(catalogue, where, home.commune_code, home.as_of, today)
    if sender.agency:
        one_stop = catalogue.agency(sender.agency)
    options = options_of(declaration, procedure, today)
    results = chosen_results(
        catalogue,
        procedure,
        options,
        declaration.choices.results,
        hospital=bed_of(catalogue, sender, today, "certificate.facility_code"),
        counter=one_stop.code,
        today=today,
        path="choices.results",
    )
    keys = natural_keys(traits_of(declaration))
    dossier = new_dossier(
        fresh,
        sender,
        procedure,
        one_stop,
        at,
        unit=home.commune_code,
        unit_as_of=home.as_of,
        options=options,
        results=results,
        components=GIVEN_BY_DECLARATION,
        appointment_at=promise(desk, procedure, options, one_stop, at),
        flags=(*flags, *(warning.code for warning in warnings)),
        role_units=_residence_step(declaration, procedure, options, home, catalogue, today),
    )
    return Submission(
        dossier=dossier,
        kind=FILE_BIRTH,
        content=msgspec.json.encode(declaration),
        prefix=code_prefix(one_stop),
        day=today,
        accept=sender.is_desk,
        written_by=sender.subject,
        note=note,
        keys=keys.claimed,
        likely=keys.likely,
        likely_near=keys.likely_near,
        warnings=tuple(warnings),
    )


def birth_procedure(catalogue: Catalogue, today: date) -> Procedure:
    """The interlinked birth procedure of that day's law; raises Refused when none is in force."""
    try:
        return catalogue.procedure_of_group(BIRTH_GROUP, today)
    except (UnknownProcedure, NotEffective):
        message = "Hiện không có thủ tục liên thông khai sinh nào đang có hiệu lực."
        raise Refused([problem("procedure", "not-in-force", message)]) from None


def options_of(declaration: BirthDeclaration, procedure: Procedure, today: date) -> dict[str, bool | str]:
    """The branches the family wants: as stated, and those a chosen result belongs to (the identity card)."""
    choices = declaration.choices
    stated: dict[str, bool | str] = {
        "residence": choices.register_residence,
        "insurance": choices.issue_insurance_card,
        "other_residence": _elsewhere(declaration),
        **late_registration(declaration.child.birth_time.date(), today),
    }
    for result in choices.results:
        producing = [step for step in procedure.steps if result.code in step.produces]
        for condition in (condition for step in producing for condition in step.chosen_when):
            if condition.equals is not None:
                stated.setdefault(condition.option, condition.equals)
    return procedure.settled_options(stated)


def _registering_home(declaration: BirthDeclaration) -> tuple[Parent, Residence]:
    """Whose commune registers the birth, and that residence (Luật Hộ tịch 2014 Đ13). Raises Refused."""
    whose, father = declaration.choices.register_at, declaration.father
    if whose == "mother":
        return whose, declaration.mother.residence
    if father is None or father.residence is None:
        message = "Chưa khai nơi cư trú của cha nên không đăng ký khai sinh tại đó được."
        raise Refused([problem("choices.register_at", "father-residence-missing", message)])
    return whose, father.residence


def _residence_step(
    declaration: BirthDeclaration,
    procedure: Procedure,
    options: Mapping[str, bool | str],
    registering: Residence,
    catalogue: Catalogue,
    today: date,
) -> tuple[RoleUnit, ...]:
    """Where the child's residence is registered, when that is not where its birth is."""
    if not options.get("residence"):
        return ()
    chosen = declaration.choices.residence_to_register
    wanted = chosen or declaration.mother.residence
    where = f"{'choices.residence_to_register' if chosen else 'mother.residence'}.commune_code"
    there, since = wanted.commune_code, wanted.as_of
    return residence_unit(catalogue, procedure, where, there, since, registering.commune_code, today)


def _elsewhere(declaration: BirthDeclaration) -> bool:
    """Whether the child is to be registered where neither parent lives: then papers are needed (NĐ 63/2024 Đ5)."""
    wanted = declaration.choices.residence_to_register
    if wanted is None:
        return False
    father = declaration.father.residence if declaration.father else None
    return not any(home and _same_home(home, wanted) for home in (declaration.mother.residence, father))


def _same_home(one: Residence, other: Residence) -> bool:
    return one.commune_code == other.commune_code and fold(one.address) == fold(other.address)


def _problems(declaration: BirthDeclaration, sender: Sender, at: datetime, desk: Desk) -> list[Problem]:
    problems = check_declaration(
        declaration, today=desk.today(at), units=desk.catalogue.units, now=desk.wall_clock(at)
    )
    if sender.facility and declaration.certificate.facility_code != sender.facility:
        message = "Giấy chứng sinh không phải do cơ sở này cấp."
        problems.append(problem("certificate.facility_code", "facility-other", message))
    return problems


def _stay_problems(stay: Stay, sender: Sender, at: datetime, desk: Desk) -> list[Problem]:
    problems = list(stay_problems(stay, desk.wall_clock(at), "stay"))
    if not sender.facility:
        problems.append(
            problem("stay", "hospitals-only", "Chỉ bệnh viện khai sinh mới ghi phòng, giường nằm.")
        )
    return problems


def _differences(declaration: BirthDeclaration, check: CardCheck) -> list[Problem]:
    """Where the card differs from the declaration, unless the desk says why it declares all the same.

    What is not written yet differs from nothing: that it lacks is a problem of its own.
    """
    if check.card is None or len(check.override_reason.strip()) >= OVERRIDE_LENGTH_MIN:
        return []
    mother = declaration.mother
    empty = {
        field for field, value in (("number", mother.document.number), ("name", mother.name)) if not value
    }
    return [
        problem(f"card.{d.field}", "differs", d.message_vi)
        for d in compare_identity(check.card, declaration)
        if d.field not in empty
    ]


def _card_flags(declaration: BirthDeclaration, check: CardCheck) -> tuple[str, ...]:
    if check.card is None:
        return (IDENTITY_TYPED,) if check.typed else ()
    differences = compare_identity(check.card, declaration)
    return tuple(f"card-{difference.field}-differs".replace("_", "-") for difference in differences)
