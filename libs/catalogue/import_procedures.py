"""Makes `catalogue/procedures/imported/` from the table of procedures read off the national portal.

Only facts are taken: code, name, field, times, fees, names of papers, legal basis. What the table marks as
doubtful stays unknown: a time without a unit is no time, "Miễn phí" that refers to another text is no fee.
"""

import csv
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from libs.catalogue.catalogue import Field

FIRST_DAY = "2025-07-01"
PAPERS_MAX = 40
NAME_CHARACTERS_MAX = 300
SHORT_NAME_CHARACTERS_MAX = 80
PAPER_CHARACTERS_MAX = 160
RESULT_CHARACTERS_MAX = 160

Row = Mapping[str, str]

# number / year / kind of text; the glued source text also gives "2010/TT-BTP" or "5147/2025/QH15".
_LEGAL_NUMBER = re.compile(r"^\d{1,3}(\.\d{1,2})?/(?P<year>\d{4})/[A-ZĐ]{2}[A-ZĐ\-]*\d{0,2}$")
_FIELD_MISPRINTS = {"tổ chức cai nghiên ma túy": "tổ chức cai nghiện ma túy"}
_NOTE = (
    "Imported. The portal states no first day: it is that of the two-level government. Which paper is needed "
    "in which case is not stated in a form a program can read, so none is demanded. One step."
)


def import_procedures(table: Path, fields: Iterable[Field], made_by_hand: Iterable[str], into: Path) -> int:
    """Write one file for each row whose code is not made by hand; returns how many.

    Raises KeyError for a field of work that is not among `fields`.
    """
    csv.field_size_limit(1_000_000)
    by_hand = frozenset(made_by_hand)
    by_name = {folded_field(field.name_vi): field for field in fields}
    into.mkdir(parents=True, exist_ok=True)
    written = 0
    with table.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            if row["code"] in by_hand:
                continue
            procedure = procedure_of(row, by_name[folded_field(row["field"])])
            path = into / f"{row['code']}@{FIRST_DAY}.yaml"
            text = yaml.safe_dump(
                procedure, allow_unicode=True, sort_keys=False, default_flow_style=None, width=120
            )
            path.write_text(text, encoding="utf-8")
            written += 1
    return written


def procedure_of(row: Row, field: Field) -> dict[str, Any]:
    """The facts of one row as a procedure of one step, in the shape of a procedure file."""
    name = plain_text(row["name"], NAME_CHARACTERS_MAX)
    short = re.sub(r"^Thủ tục\s+", "", name)
    procedure: dict[str, Any] = {
        "code": row["code"],
        "name_vi": name,
        "short_name_vi": _cut(short[:1].upper() + short[1:], SHORT_NAME_CHARACTERS_MAX),
        "field": field.code,
        "effective_from": FIRST_DAY,
        "verified": False,
        "source": _source(row),
        "legal_basis": legal_numbers(row["legal_basis"]),
        "channels": _channels(row),
        "form": {"$ref": "#/$defs/general_form"},
        "components": papers_of(row["components"]),
        "steps": [
            {
                "code": "settle",
                "name_vi": "Giải quyết hồ sơ",
                "role": field.role,
                "produces": ["decision"],
                "outcome": {"$ref": "#/$defs/certificate_outcome"},
            }
        ],
        "results": [
            {
                "code": "decision",
                "name_vi": plain_text(row["result"].split(";")[0], RESULT_CHARACTERS_MAX)
                or "Kết quả giải quyết",
                "template": "certificate",
                "deliveries": ["counter", "post"] if row["postal_channel"] == "yes" else ["counter"],
            }
        ],
    }
    procedure.update(_limit(row))
    procedure.update(_fees(row))
    return procedure


def legal_numbers(text: str) -> list[str]:
    """The numbers of legal texts that can be right, each once; garbled ones are left out."""
    numbers = [number.strip() for number in text.split(";")]
    sound = [number for number in dict.fromkeys(numbers) if _LEGAL_NUMBER.match(number)]
    # "53/2025/TT-BC" beside "53/2025/TT-BCA" is the same text cut off.
    return [n for n in sound if not any(other != n and other.startswith(n) for other in sound)]


def papers_of(text: str) -> list[dict[str, Any]]:
    """The papers of the row; entries without an original or a copy are notes of the portal, not papers."""
    papers: list[dict[str, Any]] = []
    for entry in json.loads(text or "[]"):
        originals, copies = entry.get("originals") or 0, entry.get("copies") or 0
        name = paper_name(entry.get("name") or "")
        if (originals or copies) and name and len(papers) < PAPERS_MAX:
            papers.append(
                {
                    "code": f"paper_{len(papers) + 1}",
                    "name_vi": name,
                    "originals": originals,
                    "copies": copies,
                    "required": False,
                }
            )
    return papers


def paper_name(text: str) -> str:
    """The name of a paper: the first clause of the portal's sentence, without its bullet."""
    clean = plain_text(text, 10_000).lstrip("-+*•. 0123456789)")
    first = re.split(r"(?<=\w{3})[.;:](?:\s|$)", clean, maxsplit=1)[0]
    return _cut(first, PAPER_CHARACTERS_MAX)


def plain_text(text: str, characters_max: int) -> str:
    """NFC text on one line without invisible characters, not longer than the limit."""
    composed = unicodedata.normalize("NFC", text.replace("\\n", " "))
    visible = "".join(c for c in composed if unicodedata.category(c) != "Cf")
    return _cut(" ".join(visible.split()), characters_max)


def folded_field(name: str) -> str:
    """The name of a field of work as a key: one space, NFC, lower case."""
    folded = plain_text(name, NAME_CHARACTERS_MAX).lower()
    for wrong, right in _FIELD_MISPRINTS.items():
        folded = folded.replace(wrong, right)
    return folded


def _cut(text: str, characters_max: int) -> str:
    if len(text) <= characters_max:
        return text
    return text[: characters_max - 1].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"


def _source(row: Row) -> dict[str, str]:
    repository = f"{row['source_repo']} {row['source_path']} @{row['source_commit'][:10]}"
    where = f"{repository}, read from dichvucong.gov.vn"
    note = f"{_NOTE} {row['notes']}".strip()
    source = {"where": where, "url": row["portal_url"], "licence": row["licence"], "note": note}
    return {key: value for key, value in source.items() if value}


def _channels(row: Row) -> list[str]:
    channels = {"online": row["online_channel"], "post": row["postal_channel"]}
    return ["counter", *(channel for channel, allowed in channels.items() if allowed == "yes")]


def _limit(row: Row) -> dict[str, Any]:
    if row["time_limit_working_days"]:
        return {"limit": {"unit": "working_day", "amount": int(row["time_limit_working_days"])}}
    if row["time_limit_calendar_days"]:
        return {"limit": {"unit": "calendar_day", "amount": int(row["time_limit_calendar_days"])}}
    if row["time_limit_hours"]:
        return {"limit": {"unit": "working_hour", "amount": int(row["time_limit_hours"])}}
    return {}


def _fees(row: Row) -> dict[str, Any]:
    if not row["fee_vnd"] or "fee not fixed" in row["notes"]:
        return {}
    amount = int(row["fee_vnd"])
    if amount == 0:
        return {"fees": []}
    return {"fees": [{"vnd": amount, "note_vi": "Có thể khác theo cách nộp; xem nguồn."}]}
