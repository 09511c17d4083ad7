"""Nothing grows past what a reader can hold."""

import ast
from pathlib import Path

from tests.architecture.sources import ROOT, modules, text, tree

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
ENTRY_LINES_MAX = 100
DECISION_LINES_MAX = 60
Function = ast.FunctionDef | ast.AsyncFunctionDef


def own_lines(function: Function) -> int:
    """Lines of a function without those of functions inside it: a router is as long as its longest endpoint."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    for node in ast.iter_child_nodes(function):
        lines -= sum(_lines(inner) for inner in _functions(node))
    return lines


def _functions(node: ast.AST) -> list[Function]:
    """The outermost functions at or below a node."""
    if isinstance(node, Function):
        return [node]
    return [found for child in ast.iter_child_nodes(node) for found in _functions(child)]


def _lines(function: Function) -> int:
    first = min([function.lineno, *(decorator.lineno for decorator in function.decorator_list)])
    return (function.end_lineno or first) - first + 1


def test_files_are_short() -> None:
    """Every project we studied has a file of thousands of lines that was once 400 (style.md, anti-pattern 8)."""
    found = {str(path): len(text(path).splitlines()) for path in modules()}
    assert {path: lines for path, lines in found.items() if lines > FILE_LINES_MAX} == {}


def test_functions_fit_on_a_screen() -> None:
    """Fifty lines is our aim, seventy TigerBeetle's limit and ours."""
    found = {
        f"{path}:{node.lineno} {node.name}": own_lines(node)
        for path in modules()
        for node in ast.walk(tree(path))
        if isinstance(node, Function)
    }
    assert {name: lines for name, lines in found.items() if lines > FUNCTION_LINES_MAX} == {}


def test_entry_points_only_wire() -> None:
    """What is in __main__.py cannot be imported by a test without starting a process."""
    found = {str(path): len(text(path).splitlines()) for path in modules() if path.name == "__main__.py"}
    assert {path: lines for path, lines in found.items() if lines > ENTRY_LINES_MAX} == {}


def test_decisions_are_one_page() -> None:
    """A decision that needs more than a page was several decisions; each says what enforces it."""
    decisions = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))
    assert decisions
    assert [int(path.name[:4]) for path in decisions] == list(range(1, len(decisions) + 1))
    for path in decisions:
        lines = text(Path("docs/decisions") / path.name).splitlines()
        assert len(lines) <= DECISION_LINES_MAX, path.name
        headings = [line for line in lines if line.startswith("## ")]
        assert headings == ["## Context", "## Decision", "## Consequences", "## Enforced by"], path.name
