"""The reader's place: what is given, what counts as handled, and when which cursor is saved."""

import json as standard_json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mot_cua import FileCursor, MemoryCursor
from mot_cua.effects import Close, Effect, Load, Open, Receive, Response, Save, Send
from mot_cua.errors import CursorTooOld, UnexpectedAnswer, Unreachable
from mot_cua.event import Event
from mot_cua.reading import Reading
from tests.unit.client.play import Answer, Stage, json

EVENT = {"specversion": "1.0", "source": "results", "type": "x"}


def page(cursor: str, *ids: str) -> Response:
    """A page of the feed."""
    return json(200, standard_json.dumps([EVENT | {"id": id_} for id_ in ids]), next_cursor=cursor)


class Shore:
    """A gateway that gives these answers to reads, and a store."""

    def __init__(self, *answers: Answer, cursor: str | None = None) -> None:
        self.store = MemoryCursor(cursor)
        self.saves: list[str] = []
        self.left = list(answers)
        self.stage = Stage(self.answer)

    def answer(self, effect: Effect) -> Answer:
        """What comes of it."""
        match effect:
            case Load(_):
                return self.store.load()
            case Save(_, cursor):
                self.saves.append(cursor)
                self.store.save(cursor)
                return None
            case Close(_):
                return None
        return self.left.pop(0)

    def reading(self, **options: bool | str) -> Reading:
        """A reader there."""
        return Reading(self.stage.session(), self.store, **options)  # type: ignore[arg-type]

    def next(self, reading: Reading) -> str | None:
        """The id of what it is given."""
        event: Event | None = self.stage.play(reading.next())
        return None if event is None else event.id


def test_a_page_s_place_is_saved_after_its_last_event() -> None:
    """When the one after it is asked for, and not before."""
    shore = Shore(page("f-3", "a", "b"), page("f-3"), cursor="f-1")
    reading = shore.reading(follow=False)
    assert (shore.next(reading), shore.next(reading), shore.saves) == ("a", "b", [])
    assert (shore.next(reading), shore.saves) == (None, ["f-3"])
    assert "after=f-1" in shore.stage.requests[0].url
    assert "after=f-3" in shore.stage.requests[1].url


def test_a_place_moves_on_where_nothing_was_for_the_reader() -> None:
    """Or it would grow too old though there was nothing to read."""
    shore = Shore(page("f-5000"), page("f-9000"), page("f-9000"))
    assert shore.next(shore.reading(follow=False)) is None
    assert shore.saves == ["f-5000", "f-9000"]


def test_what_was_in_hand_comes_again() -> None:
    """To who begins anew without having asked for the next; not after a commit."""
    shore = Shore(page("f-3", "a", "b"), page("f-3"))
    reading = shore.reading(follow=False)
    assert shore.next(reading) == "a"
    reading.put_back()
    assert shore.next(reading) == "a"
    assert shore.next(reading) == "b"
    shore.stage.play(reading.commit())
    shore.stage.play(reading.commit())
    reading.put_back()
    assert (shore.next(reading), shore.saves) == (None, ["f-3"])


def test_the_newest_place_is_asked_for_without_waiting() -> None:
    """So that it is saved before the program can die waiting."""
    shore = Shore(page("f-7"), page("f-8", "a"))
    reading = shore.reading(begin="latest")
    assert (shore.next(reading), shore.saves) == ("a", ["f-7"])
    assert "wait=0" in shore.stage.requests[0].url
    assert "after=f-7" in shore.stage.requests[1].url


def test_a_gateway_that_is_away_is_waited_for_without_end() -> None:
    """By who follows."""
    away: list[Answer] = [Unreachable("ConnectError", sent=False)] * 200
    shore = Shore(*away, page("f-2", "a"))
    assert shore.next(shore.reading()) == "a"
    assert max(shore.stage.pauses) == 15.0


def test_a_gateway_that_answers_nothing_at_once_is_not_asked_at_once_again() -> None:
    """It is about to end, or something between does not wait."""
    shore = Shore(page("f-1"), page("f-1"), page("f-2", "a"), cursor="f-1")
    assert shore.next(shore.reading()) == "a"
    assert shore.stage.pauses == [1.0, 1.0]


def test_a_place_too_old_says_the_earliest() -> None:
    """And nothing is skipped on one's own account."""
    gone = json(410, '{"type": "urn:mot-cua:problem:cursor-too-old", "earliest": "f-9"}')
    shore = Shore(gone, cursor="f-1")
    with pytest.raises(CursorTooOld) as old:
        shore.next(shore.reading())
    assert (old.value.earliest, shore.saves) == ("f-9", [])


@pytest.mark.parametrize("answer", [json(200, "[]"), json(200, "<html>", next_cursor="f-2")])
def test_what_is_no_page_is_told(answer: Response) -> None:
    """A portal of the network, for instance."""
    with pytest.raises(UnexpectedAnswer):
        Shore(answer).next(Shore(answer).reading())


def block(cursor: str, id_: str = "") -> bytes:
    """An event on the stream, or a sign of life."""
    data = f"data: {standard_json.dumps(EVENT | {'id': id_})}\n" if id_ else ""
    return f"id: {cursor}\n{data}\n".encode()


HEAD = Response(status=200, headers={"content-type": "text/event-stream; charset=utf-8"}, stream="s")


def test_on_a_stream_each_event_has_its_place() -> None:
    """And so has a sign of life, where nothing is in hand; connected anew where the last one was."""
    shore = Shore(
        HEAD,
        b"retry: 1000\n\n",
        block("f-3", "a") + block("f-4", "b") + block("f-9"),
        block("f-20"),
        b"",
        HEAD,
        block("f-21", "c"),
        cursor="f-1",
    )
    reading = shore.reading(stream=True)
    assert (shore.next(reading), shore.saves) == ("a", [])
    assert (shore.next(reading), shore.saves) == ("b", ["f-3"])
    assert (shore.next(reading), shore.saves) == ("c", ["f-3", "f-9", "f-20"])
    opened = [effect.request.headers for effect in shore.stage.effects if isinstance(effect, Open)]
    assert [headers["last-event-id"] for headers in opened] == ["f-1", "f-20"]


def test_a_stream_that_breaks_is_connected_anew_with_growing_pauses() -> None:
    """Until something comes."""
    broken = Unreachable("ReadError", sent=True)
    shore = Shore(
        HEAD, broken, HEAD, b"\xff\n", HEAD, b"event: ended\ndata: x\n\n", b"", HEAD, block("f-2", "a")
    )
    assert shore.next(shore.reading(stream=True)) == "a"
    assert shore.stage.pauses == [0.25, 0.5, 1.0]
    received = [effect for effect in shore.stage.effects if isinstance(effect, Receive | Close)]
    assert len([effect for effect in received if isinstance(effect, Close)]) == 3


def test_what_is_no_stream_is_told() -> None:
    """And let go."""
    shore = Shore(Response(status=200, headers={"content-type": "text/html"}, stream="s"))
    with pytest.raises(UnexpectedAnswer):
        shore.next(shore.reading(stream=True))
    assert shore.stage.effects[-1] == Close("s")
    with pytest.raises(ValueError, match="stream"):
        shore.reading(stream=True, follow=False)


@given(st.lists(st.integers(0, 4), max_size=6), st.lists(st.booleans(), max_size=40), st.booleans())
def test_killed_at_any_moment_nothing_is_lost(sizes: list[int], kills: list[bool], failing: bool) -> None:
    """Whatever the pages, and whenever the program dies: every event at least once, in order, the place at the end."""
    ids: list[str] = []
    cursors = {"": 0}
    pages: list[tuple[int, int]] = []
    for size in sizes:
        pages.append((len(ids), len(ids) + size))
        ids += [str(len(ids) + number) for number in range(size)]
    cursors |= {f"f-{end}.{number}": number + 1 for number, (_, end) in enumerate(pages)}
    names = list(cursors)
    seen: list[str] = []
    turns = iter(kills)
    store = MemoryCursor()
    fails = iter([failing] * 3)

    def answer(effect: Effect) -> Answer:
        match effect:
            case Load(_):
                return store.load()
            case Save(_, cursor):
                store.save(cursor)
                return None
            case Send(request):
                if next(fails, False):
                    return Unreachable("ReadError", sent=True)
                after = request.url.split("after=")[1].split("&")[0] if "after=" in request.url else ""
                number = cursors[after]
                if number == len(pages):
                    return page(after or "f-0")
                start, end = pages[number]
                return page(names[number + 1], *ids[start:end])
        raise AssertionError(effect)

    cursors["f-0"] = 0
    stage = Stage(answer)
    while True:
        reading = Reading(stage.session(), store, follow=False)
        while (event := stage.play(reading.next())) is not None:
            seen.append(event.id)
            if next(turns, False):
                break
        else:
            break
    assert list(dict.fromkeys(seen)) == ids
    assert store.cursor == (names[-1] if pages else "f-0")


def test_a_file_holds_one_whole_place(tmp_path: Path) -> None:
    """None before the first; nothing else is left beside it; who may not write is told."""
    store = FileCursor(tmp_path / "cursor")
    assert store.load() is None
    for cursor in ("f-1", "f-22"):
        store.save(cursor)
        assert FileCursor(str(tmp_path / "cursor")).load() == cursor
    assert [path.name for path in tmp_path.iterdir()] == ["cursor"]
    assert (tmp_path / "cursor").stat().st_mode & 0o077 == 0
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        FileCursor(tmp_path / "folder").save("f-1")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cursor", "folder"]
