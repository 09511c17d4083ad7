"""docs/performance.md from bench/results.json: the words are here, the figures are measured."""

from bench.figures import Section, load
from bench.machine import ROOT, description

DOCUMENT = ROOT / "docs/performance.md"
_OPEN, _CLOSE = "<!-- {}: measured, written by `make bench` -->", "<!-- /{} -->"

HEAD = """\
# Performance

What the pipeline can do, measured side by side with what people would use instead. Every figure is a median with the
least and the greatest round; contestants of one figure run in turn on the same servers with the same settings, and
ratios are taken within a round. Absolute figures are those of one machine at one time: look at the ratios.

Repeat: `make bench` (its own environment under `bench/`, about an hour), or a part:
`bench/.venv/bin/python -m bench hop`. The servers are embedded ones in a scratch folder; nothing else is touched.
"""


def write() -> None:
    """Put the measured sections into the document; those not measured here stay as they are."""
    text = DOCUMENT.read_text() if DOCUMENT.exists() else HEAD
    machine = "; ".join(description().values())
    for name, section in load().items():
        text = _put(text, name, _markdown(section, machine))
    DOCUMENT.write_text(text)


def _put(text: str, name: str, body: str) -> str:
    opening, closing = _OPEN.format(name), _CLOSE.format(name)
    block = f"{opening}\n{body}{closing}\n"
    before, found, rest = text.partition(opening)
    if not found:
        return f"{text.rstrip()}\n\n{block}"
    return before + block + rest.partition(f"{closing}\n")[2]


def _markdown(section: Section, machine: str) -> str:
    lines = [f"## {section.title}", ""]
    lines.append("| " + " | ".join(section.columns) + " |")
    lines.append("|---|" + "---:|" * (len(section.columns) - 1))
    lines += ["| " + " | ".join(row) + " |" for row in section.rows]
    if section.aims:
        lines += ["", "| aim | asked | found | |", "|---|---:|---:|---|"]
        lines += [
            f"| {aim.what} | {aim.aimed} | {aim.found} | {'reached' if aim.reached else '**missed**'} |"
            for aim in section.aims
        ]
    lines += ["", *(f"- {setting}" for setting in section.settings)]
    lines += [f"- Measured {section.measured_at} on {machine}.", ""]
    return "\n".join(lines)
