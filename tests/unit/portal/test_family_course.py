"""The course of a dossier on its page by code."""

from typing import Any
from uuid import uuid4

import pytest
import structlog.testing

from libs.http.client import Refused, Unavailable
from services.portal.citizens import family
from services.portal.city import Caller


class Failing(Caller):
    """The services as seen by somebody whom routing tells nothing."""

    def __init__(self, failure: Exception) -> None:
        super().__init__({}, "")
        self._failure = failure

    async def get(self, *_asked: Any, **_how: Any) -> Any:
        raise self._failure


@pytest.mark.parametrize(
    ("failure", "logged"),
    [
        (Refused("routing", 409, "unknown-step"), [("course-not-told", "error", 409, "unknown-step")]),
        (Refused("routing", 500, "internal"), [("course-not-told", "error", 500, "internal")]),
        (Refused("routing", 404, "no-such-case"), []),
        (Unavailable("routing", "timeout"), []),
    ],
)
async def test_a_page_by_code_does_without_it(failure: Exception, logged: list[tuple[Any, ...]]) -> None:
    """Whatever keeps routing from telling it; a mistake of routing is in the log."""
    with structlog.testing.capture_logs() as lines:
        assert await family.course(Failing(failure), uuid4()) is None
    assert [(one["event"], one["log_level"], one["status"], one["code"]) for one in lines] == logged
