"""What partners may look up at the services through the gateway: the list, as data.

A hospital's software follows its births and fetches papers and proofs, an agency's works from its own list of steps.
Whose dossier is whose, the service itself judges, as for officers; it records every look at a person's data.
"""

import re

import msgspec

JSON, PDF, FILE = "application/json", "application/pdf", "application/octet-stream"
_NAMED = {
    "id": "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
    "step": "[a-z0-9][a-z0-9_.-]{0,63}",
    "number": "[0-9]{1,3}",
    "queue": "[a-z0-9-]{1,64}",
}


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to look up: what it is called in the audit, whose it is, its path, what comes.

    `tells` is for readers of the gateway's description.
    """

    name: str
    service: str
    path: str
    media_type: str = JSON
    tells: str


READS: tuple[Read, ...] = (
    Read(name="dossiers", service="intake", path="/dossiers", tells="dossiers handed in by me; no people"),
    Read(name="dossier", service="intake", path="/dossiers/{id}", tells="the whole file"),
    Read(name="receipt", service="intake", path="/dossiers/{id}/receipt", tells="the receipt, as it is now"),
    Read(name="paper-facts", service="intake", path="/dossiers/{id}/paper-facts", tells="what forms print"),
    Read(
        name="attachment",
        service="intake",
        path="/dossiers/{id}/attachments/{number}",
        media_type=FILE,
        tells="a scanned paper",
    ),
    Read(name="bedside", service="intake", path="/bedside", tells="the births of my hospital"),
    Read(name="bedside-one", service="intake", path="/bedside/{id}", tells="one of them"),
    Read(name="upload", service="intake", path="/uploads/{id}", tells="the report on an XML9 file"),
    Read(
        name="steps", service="routing", path="/steps", tells="the steps of my agency, the most urgent first"
    ),
    Read(name="case", service="routing", path="/cases/{id}", tells="status, steps, clocks, timeline"),
    Read(
        name="case-desk", service="routing", path="/cases/{id}/desk", tells="what I may do now, and its form"
    ),
    Read(name="refusals", service="routing", path="/cases/{id}/refusals", tells="what was refused, and why"),
    Read(name="family", service="routing", path="/cases/{id}/family", tells="what the family is to be told"),
    Read(
        name="outcome",
        service="routing",
        path="/cases/{id}/steps/{step}/outcome",
        tells="what my agency entered on completing a step",
    ),
    Read(name="queues", service="routing", path="/queues", tells="my queues, with how much is in each"),
    Read(name="queue", service="routing", path="/queues/{queue}", tells="a page of one"),
    Read(
        name="results",
        service="results",
        path="/results",
        tells="papers at my desk, on their way, or to send",
    ),
    Read(
        name="dossier-results", service="results", path="/dossiers/{id}/results", tells="those of a dossier"
    ),
    Read(name="custody", service="results", path="/dossiers/{id}/custody", tells="who did what with them"),
    Read(
        name="whereabouts", service="results", path="/dossiers/{id}/whereabouts", tells="where to fetch them"
    ),
    Read(
        name="document",
        service="results",
        path="/results/{id}/document",
        media_type=PDF,
        tells="the signed paper",
    ),
    Read(
        name="hand-over-receipt",
        service="results",
        path="/results/{id}/receipt",
        media_type=PDF,
        tells="the proof of its hand-over",
    ),
)


def _pattern(path: str) -> "re.Pattern[str]":
    return re.compile(re.sub(r"\\{(\w+)\\}", lambda name: _NAMED[name[1]], re.escape(path)), re.ASCII)


_PATTERNS = [(read, _pattern(read.path)) for read in READS]


def read_of(service: str, path: str) -> Read | None:
    """The thing to look up at this path of a service; None when partners may not."""
    for read, pattern in _PATTERNS:
        if read.service == service and pattern.fullmatch(path):
            return read
    return None
