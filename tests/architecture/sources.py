"""The files under test, read and parsed once."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
OURS = ("libs", "services", "deploy", "clients", "tests", "bench")


@cache
def tracked() -> tuple[Path, ...]:
    """Every file of the repository, those about to be committed included; relative to ROOT."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=30,
    )
    paths = (Path(name) for name in listed.stdout.decode().split("\0") if name)
    return tuple(sorted(path for path in paths if (ROOT / path).is_file()))


def modules(*tops: str) -> tuple[Path, ...]:
    """Python files below these folders (all of ours when none is given)."""
    wanted = tops or OURS
    return tuple(path for path in tracked() if path.suffix == ".py" and path.parts[0] in wanted)


@cache
def text(path: Path) -> str:
    """Contents of a file of ours."""
    return (ROOT / path).read_text(encoding="utf-8")


@cache
def tree(path: Path) -> ast.Module:
    """Parsed module."""
    return ast.parse(text(path), filename=str(path))


def services() -> tuple[str, ...]:
    """Folders of services."""
    return tuple(sorted(path.parent.name for path in (ROOT / "services").glob("*/__init__.py")))


def strings(path: Path) -> Iterator[tuple[int, str]]:
    """Line and value of every string that is not a docstring; an f-string gives its fixed parts as one."""
    documentation = {id(node.value) for node in ast.walk(tree(path)) if isinstance(node, ast.Expr)}
    inside: set[int] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.JoinedStr):
            parts = [part for part in node.values if isinstance(part, ast.Constant)]
            inside |= {id(part) for part in parts}
            yield node.lineno, "".join(str(part.value) for part in parts)
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in documentation | inside
        ):
            yield node.lineno, node.value


def calls(path: Path) -> Iterator[ast.Call]:
    """Every call in a module."""
    return (node for node in ast.walk(tree(path)) if isinstance(node, ast.Call))


def imported(path: Path) -> Iterator[str]:
    """Full names of the modules a module imports."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
