"""Moving a step without deciding anything: begin, give back, assign, stop its clock and go on, undo. Pure."""

from collections.abc import Callable

from services.portal.case.matter import Matter, Order, choice_of, note_of, reason_of


def at_once(verb: str) -> Callable[[Matter], Order]:
    """An act that needs nothing but the step as the officer saw it."""

    def read(matter: Matter) -> Order:
        return Order(service="routing", path=matter.step_path(verb), body={"version": matter.version})

    return read


def give_back(matter: Matter) -> Order:
    """Give the step to another agency, or back for somebody to assign it."""
    body = {
        "reason": reason_of(matter, "return"),
        "to": matter.text("co-quan"),
        "note": note_of(matter),
        "version": matter.version,
    }
    return Order(service="routing", path=matter.step_path("return"), body=body)


def assign(matter: Matter) -> Order:
    """Say which agency settles a step that was given back."""
    body = {"agency": choice_of(matter).code, "note": note_of(matter)}
    return Order(service="routing", path=matter.step_path("assign"), body=body)


def clock(end: str) -> Callable[[Matter], Order]:
    """Stop the clock for a ground of law, or with `end` let it go on."""

    def read(matter: Matter) -> Order:
        body = {
            "reason": choice_of(matter).code,
            "step": matter.needed_step.step,
            "version": matter.version,
        }
        return Order(service="routing", path=f"{matter.case_path}/pauses{end}", body=body)

    return read
