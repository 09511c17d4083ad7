"""The papers of the one-stop shop (biểu mẫu): template, name and number of each, in which version, since when."""

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path

import msgspec

from libs.catalogue.errors import UnknownForm
from libs.catalogue.files import read_yaml
from libs.catalogue.procedures import Source

FOLDER = Path("documents", "forms")


class PaperForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One version of a paper, in force from `effective_from` to `effective_to` (both days included).

    `number` is the form's number in its circular, `symbol` what stands after the slash of the paper's own number; both
    and `legal_basis` are empty for papers no law asks for.
    """

    id: str
    version: int
    name_vi: str
    template: str
    effective_from: date
    source: Source
    effective_to: date | None = None
    legal_basis: str = ""
    number: str = ""
    symbol: str = ""
    verified: bool = False

    def in_force(self, on: date) -> bool:
        """Whether a paper of that day has this form."""
        return self.effective_from <= on and (self.effective_to is None or on <= self.effective_to)


class PaperForms:
    """Every version of every paper."""

    def __init__(self, forms: Iterable[PaperForm]) -> None:
        self._versions: dict[str, list[PaperForm]] = {}
        for form in sorted(forms, key=lambda form: form.effective_from):
            self._versions.setdefault(form.id, []).append(form)

    def form(self, form_id: str, on: date) -> PaperForm:
        """The newest version in force on the paper's date. Raises UnknownForm when there is none."""
        for form in reversed(self._versions.get(form_id, ())):
            if form.in_force(on):
                return form
        raise UnknownForm(form_id, on)

    def versions(self) -> tuple[PaperForm, ...]:
        """All versions, by paper, oldest first."""
        return tuple(form for _, versions in sorted(self._versions.items()) for form in versions)


def load_forms(catalogue: Path) -> PaperForms:
    """The forms of the catalogue in this folder; raises CatalogueError when their list is wrong."""
    return PaperForms(read_yaml(catalogue / FOLDER / "forms.yaml", tuple[PaperForm, ...]))


def faults_of_forms(forms: PaperForms, catalogue: Path) -> Iterator[str]:
    """What is wrong: a template that is missing or that nothing uses, versions that contradict each other."""
    templates = {path.stem for path in (catalogue / FOLDER).glob("*.typ")} - {"sheet"}
    versions = forms.versions()
    used = {form.template for form in versions}
    yield from (f"forms.yaml: {t}.typ is used by no form" for t in sorted(templates - used))
    for form in versions:
        name = f"forms.yaml: {form.id} version {form.version}"
        if form.template not in templates:
            yield f"{name}: no template {form.template}"
        if form.effective_to is not None and form.effective_to < form.effective_from:
            yield f"{name} ends before it begins"
        if form.number and not form.legal_basis:
            yield f"{name}: a number of a form, but no legal basis that gave it"
    for one, other in pairwise(versions):
        if one.id != other.id:
            continue
        name = f"forms.yaml: {one.id} versions {one.version} and {other.version}"
        if one.version >= other.version:
            yield f"{name}: the newer one must have the higher number"
        if one.effective_to is None or other.effective_from <= one.effective_to:
            yield f"{name} are in force on one day"
