"""Keys and what F1 says of them: one table holds both, so that none works untold."""

import re
from collections.abc import Mapping
from pathlib import Path

STATIC = Path("services/portal/static")
LISTENS = re.compile(r"[\"'`]key(?:down|up|press)[\"'`]")
# Who listens to keys besides the table, and why nothing is to be told of it.
OTHERS: Mapping[str, str] = {
    "keys.js": "the table",
    "scan.js": "what a scanner types is no person's key",
    "combobox.js": "a box's own keys, told by tellKey",
    "hospital/lock.js": "any key says that somebody is there",
    "devices/kiosk.js": "any key says that somebody is there",
}
ADDED = re.compile(r"\b(?:addKey|tellKey)\(\s*(\[[^\]]*\]|\"[^\"]*\"|keys), (\"[^\"]+\"|words)", re.DOTALL)
DECLARED = re.compile(r"<[^>]* data-key=\"[^\"]+\"[^>]*>")


def test_no_page_listens_to_keys_beside_the_table_of_f1() -> None:
    """A listener of its own would be a key that the help does not know."""
    found = {
        str(path.relative_to(STATIC))
        for path in STATIC.rglob("*.js")
        if LISTENS.search(path.read_text(encoding="utf-8"))
    }
    assert found == set(OTHERS)


def test_every_key_says_what_it_does() -> None:
    """In words of its own: those of a script, and those of an element with a key."""
    scripts = [path for path in STATIC.rglob("*.js") if path.name != "keys.js"]
    texts = [path.read_text(encoding="utf-8") for path in scripts]
    calls = sum(len(re.findall(r"\b(?:addKey|tellKey)\(", text)) for text in texts)
    assert calls == sum(len(ADDED.findall(text)) for text in texts) >= 15
    elements = [
        tag
        for path in Path("services/portal/templates").rglob("*.html")
        for tag in DECLARED.findall(path.read_text(encoding="utf-8"))
    ]
    assert len(elements) >= 8
    assert [tag for tag in elements if "data-key-words=" not in tag] == []
