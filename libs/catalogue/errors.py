"""What can go wrong when the catalogue is asked or loaded. Messages hold codes only, never people's data."""

from datetime import date


class CatalogueError(Exception):
    """The catalogue's files are wrong: a field, a reference or a graph."""


class UnknownProcedure(LookupError):
    """No procedure, group or version with this code."""

    def __init__(self, code: str) -> None:
        super().__init__(f"no procedure {code}")
        self.code = code


class NotEffective(LookupError):
    """The procedure exists but no version of it is in force on the day."""

    def __init__(self, code: str, on: date) -> None:
        super().__init__(f"procedure {code} is not in force on {on.isoformat()}")
        self.code = code
        self.on = on


class UnknownForm(LookupError):
    """No paper of this kind, or no version of it in force on the paper's date."""

    def __init__(self, form_id: str, on: date) -> None:
        super().__init__(f"no form {form_id} in force on {on.isoformat()}")
        self.form_id = form_id
        self.on = on


class UnknownAgency(LookupError):
    """No agency with this code, or none competent for the role, unit and day."""


class AmbiguousUnit(UnknownAgency):
    """The commune code has become several communes, or the succession is doubtful: a person must choose."""

    def __init__(self, code: str, on: date, candidates: tuple[str, ...]) -> None:
        super().__init__(f"unit {code} may be any of {', '.join(candidates)} on {on.isoformat()}")
        self.candidates = candidates
