"""What the page of one dossier is made of, and the page."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse

from libs.catalogue import Catalogue
from services.portal.case.answers import File
from services.portal.case.file_sections import papers_of, sections_of
from services.portal.case.reading import (
    Story,
    file_of,
    hand_over_page,
    handles,
    logins_of,
    reads_of,
    story_of,
)
from services.portal.case.view import Panel, state_of, undo_of
from services.portal.case.words import (
    CHANNELS,
    DELIVERIES,
    DONE,
    NEXT_LISTS,
    PAPERS,
    STEP_STATES,
    agency_words,
    flags_of,
)
from services.portal.forms.reading import Problems
from services.portal.officers import Names, Officers
from services.portal.rendering import page
from services.portal.sessions import Person

TEMPLATE = "case/dossier.html"


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the page is made of."""

    person: Person
    file: File
    story: Story
    catalogue: Catalogue
    names: Names

    @property
    def dossier_id(self) -> UUID:
        """The dossier."""
        return self.file.dossier.id

    @property
    def auditing(self) -> bool:
        """Whether intake tells the officer who has looked into the dossier: the one-stop shop that handles it."""
        return self.handling and self.person.has("one_stop")

    @property
    def handling(self) -> bool:
        """Whether the officer speaks for the applicant."""
        return handles(self.person, self.file)


async def sight_of(request: Request, person: Person, dossier_id: UUID) -> Sight:
    """The dossier as the officer may see it, with what officers wrote. Raises Refused."""
    file = await file_of(person, dossier_id)
    story = await story_of(person, dossier_id, notes=True)
    return await with_names(request, person, file, story)


async def with_names(request: Request, person: Person, file: File, story: Story) -> Sight:
    """The same of a file and a story that were read already."""
    names = await officers_of(request).names(person, logins_of(story))
    return Sight(person=person, file=file, story=story, catalogue=request.app.state.catalogue, names=names)


def officers_of(request: Request) -> Officers:
    """Who officers are, by their logins."""
    officers: Officers = request.app.state.officers
    return officers


async def whole_page(
    request: Request,
    sight: Sight,
    *,
    panel: Panel | None = None,
    problems: Problems | None = None,
    status: int = 200,
    notice: str = "",
    done: str = "",
    step: str = "",
) -> HTMLResponse:
    """The whole of it; `done` is the act that was just done on the step."""
    file, catalogue = sight.file, sight.catalogue
    procedure = catalogue.procedure(file.dossier.procedure, file.dossier.procedure_from)
    wants_reads = "nhat-ky" in request.query_params and sight.auditing
    reads = await reads_of(sight.person, sight.dossier_id) if wants_reads else None
    readers = [read.actor for read in reads.reads] if reads else []
    return page(
        request,
        TEMPLATE,
        sight.person,
        status=status,
        dossier=file.dossier,
        procedure=procedure,
        channel=CHANNELS.get(file.dossier.channel, file.dossier.channel),
        received_by=agency_words(catalogue, file.dossier.receiving_agency),
        flags=flags_of(file.dossier.flags),
        read_back=file.read_back,
        sections=sections_of(file, procedure, catalogue),
        papers=papers_of(file, procedure),
        reads=reads,
        readers=await officers_of(request).names(sight.person, readers),
        agency_words=lambda code: agency_words(catalogue, code),
        handling=sight.handling,
        auditing=sight.auditing,
        panel=panel,
        problems=problems or [],
        key=str(uuid4()),
        notice=notice,
        done=DONE.get(done, ""),
        undo=undo_of(done, step, sight.story.desk),
        paper=PAPERS.get(done),
        next_list=NEXT_LISTS.get(done, ""),
        **changing(sight),
    )


def changing(sight: Sight) -> Mapping[str, Any]:
    """What the part that changes is made of."""
    state = state_of(sight.file, sight.story, sight.catalogue, sight.names, handling=sight.handling)
    return {
        "dossier_id": sight.dossier_id,
        "deliveries": DELIVERIES,
        "step_states": STEP_STATES,
        "hand_over": hand_over_page(sight.person, sight.dossier_id),
        **state,
    }
