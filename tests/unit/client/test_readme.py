"""What the package's README shows is what there is."""

import ast
import re
from typing import Any

import pytest

import mot_cua
from mot_cua import AsyncClient, Client, SigningKey
from tests.fixtures.servers import ROOT

README = (ROOT / "clients/python/README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
CLIENT = Client("https://doitac.example.vn", "bv", SigningKey.generate())


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_each_example_is_python_that_names_what_there_is(number: int) -> None:
    """Imports, operations and their parameters."""
    for node in ast.walk(ast.parse(BLOCKS[number])):
        if isinstance(node, ast.ImportFrom) and node.module:
            module = __import__(node.module, fromlist=["*"])
            for alias in node.names:
                assert hasattr(module, alias.name), alias.name
        if isinstance(node, ast.Attribute) and (found := path_of(node))[:1] == ["client"]:
            thing: Any = CLIENT
            for name in found[1:3]:
                assert hasattr(thing, name), ".".join(found)
                thing = getattr(thing, name)


def test_the_tables_name_operations_there_are() -> None:
    """Every group's, and every name the package offers is explained or a type of what is."""
    for group, names in re.findall(r"^\| `client\.(\w+)` \| (.*) \|$", README, re.MULTILINE):
        for name in re.findall(r"`(\w+)`", names):
            assert hasattr(getattr(CLIENT, group), name), f"{group}.{name}"
    assert {"Client", "AsyncClient", "SigningKey", "FileCursor"} <= set(mot_cua.__all__)
    assert AsyncClient.__doc__


def path_of(node: ast.expr) -> list[str]:
    """`client.webhooks.create` as its parts."""
    if isinstance(node, ast.Attribute):
        return [*path_of(node.value), node.attr]
    return [node.id] if isinstance(node, ast.Name) else [""]
