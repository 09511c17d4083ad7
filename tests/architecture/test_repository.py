"""What is committed can be read, trusted and used by somebody else."""

import re
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, modules, text, tracked

LOCKS = ("requirements.lock", "requirements-dev.lock", "bench/requirements.lock")
# An address, or any option but a hash: the options name indexes and folders.
ADDRESS = re.compile(r"https?://|^\s*-(?!-hash=)", re.MULTILINE)
# Built from parts, or this file would find itself.
MACHINE_PATHS = tuple(
    "/" + name for name in ("work/main", "work/shared", "work/brief", "opt/py" + "pi", "root/")
)
INDEXES = tuple(
    "".join(parts) for parts in (("py", "pi.org"), ("pythonhosted", ".org"), ("registry.np", "mjs.org"))
)
README_COMMAND = re.compile(r"`make(?: ([a-z0-9]+))?[`\s]|^ {4}make ([a-z0-9]+)", re.MULTILINE)
MAKE_TARGET = re.compile(r"^([a-z0-9]+):", re.MULTILINE)
# Of a page of ours: not one of the web.
LINK = re.compile(r"\]\((?![a-z]+:)([^)#\s]*)#?([^)\s]*)\)")
TEMPLATE = re.compile(r"^\s*(?:- )?template:\s*(\w+)|\btemplate:\s*(\w+)", re.MULTILINE)


def texts() -> list[tuple[Path, str]]:
    """Every text file of the repository."""
    found = []
    for path in tracked():
        try:
            found.append((path, text(path)))
        except UnicodeDecodeError:
            continue
    return found


@pytest.mark.parametrize("name", LOCKS)
def test_locks_have_hashes_and_no_addresses(name: str) -> None:
    """The lock says what is installed, the machine where from: a city installs from its own mirror."""
    lock = text(Path(name))
    pins = re.findall(r"^[A-Za-z0-9_.\-\[\]]+==\S+", lock, re.MULTILINE)
    assert pins
    assert ADDRESS.search(lock) is None
    blocks = re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE)
    assert [block.split()[0] for block in blocks if "==" in block and "--hash=sha256:" not in block] == []


def test_no_file_names_this_machine_or_an_index() -> None:
    """An absolute path of one developer's machine, or an index's address, breaks on every other machine."""
    found = [
        f"{path}: {word}"
        for path, contents in texts()
        for word in (*MACHINE_PATHS, *INDEXES)
        if word in contents and path.suffix != ".csv"
    ]
    assert found == []


def test_no_secret_is_committed() -> None:
    """A private key in git is public for ever; tests and the city make their own."""
    marker = "-----BEGIN " + "{}PRIVATE KEY-----"
    found = [
        str(path)
        for path, contents in texts()
        if any(marker.format(kind) in contents for kind in ("", "EC ", "RSA ", "ENCRYPTED "))
    ]
    assert found == []


def test_readme_commands_exist() -> None:
    """The first thing a newcomer types must work."""
    named = {first or second for first, second in README_COMMAND.findall(text(Path("README.md")))} - {""}
    targets = set(MAKE_TARGET.findall(text(Path("Makefile"))))
    assert {"run", "test"} <= named
    assert named - targets == set()


@pytest.mark.parametrize("name", [str(path) for path in tracked() if path.suffix == ".md"])
def test_links_lead_somewhere(name: str) -> None:
    """A map with a wrong street is worse than none; what follows # is a heading there."""
    wrong = []
    for path, heading in LINK.findall(text(Path(name))):
        target = (ROOT / name).parent / path if path else ROOT / name
        if not target.exists() or (heading and heading not in headings(target)):
            wrong.append(f"{path}#{heading}")
    assert wrong == []


def headings(page: Path) -> set[str]:
    """The headings of a page as links name them: small letters, blanks as dashes, nothing else but letters."""
    found = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in found}


def test_templates_and_catalogue_agree() -> None:
    """A procedure that names a template nobody wrote fails when its first paper is printed, weeks later."""
    written = {path.stem for path in (ROOT / "catalogue/documents").glob("*.typ")}
    named = {
        first or second
        for path in tracked()
        if path.parts[0] == "catalogue" and path.suffix == ".yaml"
        for first, second in TEMPLATE.findall(text(path))
        if path.parts[1] == "procedures"
    }
    assert named
    assert named - written == set()
    said = "\n".join(text(path) for path in modules("services", "libs"))
    drawn = "\n".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "catalogue/documents").glob("*.typ")
    )
    assert {name for name in written - named if name not in said and f"{name}.typ" not in drawn} == set()


def test_tests_are_never_skipped() -> None:
    """A skipped test is a promise nobody keeps; what cannot run here is not written as a test."""
    words = ("pytest.mark." + "skip", "pytest." + "skip(", "mark." + "xfail", "importor" + "skip")
    assert [str(path) for path in modules("tests") if any(word in text(path) for word in words)] == []


def test_nothing_is_left_to_do() -> None:
    """A note in the code to do something later is seen by nobody; it is an issue or it is done."""
    words = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")) + r")\b")
    assert [str(path) for path in modules() if words.search(text(path))] == []
