"""Cursors: the same place always reads the same, and what is none is refused."""

import pytest

from libs.http.problems import Problem
from services.gateway.feed.cursor import Cursor, position_of, read_cursor
from services.gateway.feed.feed_store import Head

HEAD = Head(feed="0a1b2c3d", last=100, first=11)


def refused(text: str) -> tuple[int, str]:
    """Status and slug of the refusal."""
    with pytest.raises(Problem) as problem:
        position_of(text, HEAD)
    return problem.value.status, problem.value.slug


def test_a_cursor_is_read_as_it_was_written() -> None:
    """And its ends: nothing read yet, everything read."""
    for position in (10, 42, 100):
        text = str(Cursor(HEAD.feed, position))
        assert read_cursor(text) == Cursor(HEAD.feed, position)
        assert position_of(text, HEAD) == position


def test_the_beginning_is_what_is_kept_and_the_latest_is_the_end() -> None:
    """Without a cursor nothing kept is missed."""
    assert position_of("", HEAD) == 10
    assert position_of("latest", HEAD) == 100


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "-1",
        "0a1b2c3d",
        "0a1b2c3d-",
        "0a1b2c3d--1",
        "0a1b2c3d-007",
        "0A1B2C3D-42",
        "0a1b2c3d-42 ",
        "' OR 1=1",
        "0a1b2c3d-101",
        "ffffffff-42",
        "0a1b2c3d-99999999999999999999",
        "Latest",
        "0a1b2c3d-４２",
    ],
)
def test_what_is_no_cursor_of_this_feed_is_refused(text: str) -> None:
    """Another feed's, one ahead of the end, or none at all: nobody is silently sent elsewhere."""
    assert refused(text) == (400, "cursor-unknown")


def test_a_cursor_before_what_is_kept_says_that_events_are_gone() -> None:
    """Silence would be a loss nobody notices."""
    assert refused("0a1b2c3d-9") == (410, "cursor-too-old")
