"""A partner's audit is read in Vietnamese: every deed and every way of reading has words."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.gateway.inbound.city import READS
from services.gateway.partners.partner import ACTIVE, REVOKED, SUSPENDED
from services.gateway.webhooks import endpoint
from services.gateway.webhooks.endpoint import DISABLED, FAILING
from services.portal.developers.audit_words import DEEDS, LOOK_UPS, way_words
from tests.architecture.sources import modules, tree

# Made of a state, by the gateway's administration and by the dispatcher of webhooks.
OF_PARTNERS = {ACTIVE: "resumed", SUSPENDED: "suspended", REVOKED: "revoked"}
OF_WEBHOOKS = {f"webhook-{state}" for state in (endpoint.ACTIVE, FAILING, DISABLED)}


def written(path: Path) -> Iterator[str]:
    """The deeds a module of the gateway writes into the audit."""
    for node in ast.walk(tree(path)):
        match node:
            case ast.Call(func=ast.Name(id="audit" | "_audit") | ast.Attribute(attr="audit")):
                for argument in node.args[2:3]:
                    yield from (
                        each.value
                        for each in ast.walk(argument)
                        if isinstance(each, ast.Constant) and isinstance(each.value, str)
                    )


def test_every_deed_has_words() -> None:
    """As the gateway's modules write them, and no words for what nobody does."""
    found = {deed for path in modules("services") if "gateway" in path.parts for deed in written(path)}
    assert {"key-added", "token-given", "webhook-tested", "nats-admitted", "webhook-replayed"} <= found
    assert found | set(OF_PARTNERS.values()) | OF_WEBHOOKS == DEEDS.keys()


def test_every_look_up_has_words() -> None:
    """The names under which the gateway records them."""
    assert {read.name for read in READS} == LOOK_UPS.keys()


@pytest.mark.parametrize(
    ("way", "words"),
    [
        ("stream tich-hop-01", "dòng liên tục, tich-hop-01"),
        ("nats", "qua NATS"),
        ("case-desk", "tra cứu: việc được làm lúc này"),
    ],
)
def test_a_way_of_reading_is_told_in_words(way: str, words: str) -> None:
    """With the person, if it was one."""
    assert way_words(way) == words
